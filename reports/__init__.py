"""A study's ledger and the report made from it, without torch or ray."""
