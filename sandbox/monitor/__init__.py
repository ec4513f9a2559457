"""The sandbox's Azure Monitor: two ingestion endpoints, Log Analytics tables in DuckDB, and a page for workbooks.

It knows the shapes that Azure publishes (streams, tables, workbook files) and nothing of the app that fills them.
"""
