"""Tests of handing tasks out from programs."""
