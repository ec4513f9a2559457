"""One tenant's directory: objects, links, replicas and the journal. It knows no HTTP and no tokens."""
