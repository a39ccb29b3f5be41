"""The ledger at this station: who belongs to the site, fetched, checked, kept and handed on."""
