"""The Functions host of the sandbox: runs the triggers of a function_app.py as Azure would.

It stands beside the app, so it knows azure-functions' public model and the wire, and nothing of the
app's own code. It must not be kinder than the real host: what Azure refuses to index is refused here.
"""

from sandbox.host.faults import Fault, HostRefusedError
from sandbox.host.functions_host import FunctionsHost, FunctionsHostOptions
from sandbox.host.keys import HostKeys

__all__ = ["Fault", "FunctionsHost", "FunctionsHostOptions", "HostKeys", "HostRefusedError"]
