"""A study's ledger, and the comparison made from it: tables, figures, one page.

Public modules: `records`, `ledger`, `published`, `tables`, `figures`, `page`. None of them
reaches torch or ray: a report can be made on a machine that has neither.
"""
