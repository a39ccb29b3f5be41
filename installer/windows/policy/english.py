"""What the policy templates say in English beside what the schema says itself."""

TABLES = {"": "No More Running", "link": "The ways to reach others"}
"""Names of the folders of policies; all others are called what the schema says about their tables."""

QUICK_PAGE = 'One page in each line, such as: { title = "Tea", to = "role:kitchen", note = "", urgent = false }'
EXPLAINED = (
    "{about}.\n\n"
    "Key in files: {key}\nAllowed: {allowed}\nWithout a policy: {default}\n\n"
    "{states} Not configured: staff and defaults decide."
)
SWITCHED = "Enabled: yes. Disabled: no."
VALUED = "Enabled: the value below counts and is locked everywhere in the program."
SUPPORTED = "No More Running 0.1 or later"
DESCRIPTION = "Policies for stations of No More Running"
