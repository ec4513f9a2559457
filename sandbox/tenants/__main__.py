"""`python -m sandbox.tenants`: the tenants alone."""

from sandbox.tenants.cli import tenants

tenants()
