"""A blueprint alone, which is not indexed."""

import azure.functions as func

blueprint = func.Blueprint()
