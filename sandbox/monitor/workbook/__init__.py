"""Azure workbook files (`Notebook/1.0`): read, resolved for a reader's choices, and turned into what a page shows.

Pure: the workbook, the choices, the time and a runner of queries go in; JSON for the page comes out.
"""
