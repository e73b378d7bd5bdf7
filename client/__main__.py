"""`python -m client` writes client/rekindle.py anew."""

from client.generator import ROOT, generate

(ROOT / "client" / "rekindle.py").write_text(generate(), "utf-8")
