"""Programs for tasks as the shipped examples do them: each reads JSON, says JSON, and can be read in a minute."""
