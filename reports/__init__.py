"""A study's ledger, and the comparison made from it: tables, figures, one page.

From the file format to the page: `records`, `ledger`, `published`, `tables` (all arithmetic),
`figures`, `typeset` (all formatting), `columns`, `prose`, `parts`, `provenance`, `sections`,
`page`. None of them reaches torch or ray: a report can be made on a machine that has neither.
"""
