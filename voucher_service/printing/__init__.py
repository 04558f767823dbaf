"""Paper: PDF with Chinese fonts out of one template, and sums in Chinese capitals."""

from .rendering import FontsMissing, collect_fonts, pdf

__all__ = ["FontsMissing", "collect_fonts", "pdf"]
