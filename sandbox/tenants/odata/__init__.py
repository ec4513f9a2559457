"""The query options of OData that Graph understands. It knows no tenant and no HTTP."""
