"""`nmr doctor`: looks at everything a page needs to ring here, says what to do, and changes nothing."""
