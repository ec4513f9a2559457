"""What ingest answers before it needs anything."""

from __future__ import annotations

from shared.app.ingest import MAX_BODY, check_size, handshake


def test_the_handshake_answers_with_the_token_and_nothing_else():
    """Plain text, as Graph decodes it."""
    reply = handshake("Validation: Testing client <b>application</b>")
    assert (reply.status, reply.content_type) == (200, "text/plain")
    assert reply.body == "Validation: Testing client <b>application</b>"
    assert handshake("x" * 5000).status == 400


def test_a_body_over_one_mebibyte_is_refused_before_it_is_read():
    """413."""
    assert check_size(MAX_BODY) is None
    refused = check_size(MAX_BODY + 1)
    assert refused is not None
    assert refused.status == 413
