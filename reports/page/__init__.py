"""Write the report as files: one HTML page, Markdown, tables and figures."""
