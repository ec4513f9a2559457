"""The two endpoints that Azure's own clients send to: the Logs Ingestion API and Application Insights' track."""
