"""What the policy templates say in English beside what the schema says itself."""

TABLES = {"": "No More Running", "link": "The ways to reach others"}
"""Names of the folders of policies; all others are called what the schema says about their tables."""

LINES = {
    "quick_page": 'One page in each line, such as: { title = "Tea", to = "role:kitchen", note = "", urgent = false }',
    "task": 'One task in each line, such as: { type = "label", command = ["C:\\\\Labels\\\\print.exe"], seconds = 60 }',
}
"""What a line of a list of tables looks like."""

EXPLAINED = (
    "{about}.\n\n"
    "Key in files: {key}\nAllowed: {allowed}\nWithout a policy: {default}\n\n"
    "{states} Not configured: staff and defaults decide."
)
SWITCHED = "Enabled: yes. Disabled: no."
VALUED = "Enabled: the value below counts and is locked everywhere in the program."
SUPPORTED = "No More Running 0.1 or later"
DESCRIPTION = "Policies for stations of No More Running"
