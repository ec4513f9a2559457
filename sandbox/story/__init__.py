"""The Contoso day, played on the whole sandbox: the parts as processes, the people, the oracle, the report."""
