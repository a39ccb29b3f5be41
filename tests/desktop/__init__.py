"""The whole product on one virtual desktop, used as staff use it."""
