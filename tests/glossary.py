"""``python tests/glossary.py`` (or ``make glossary``) writes notebooks/glossary.md anew.

``test_glossary.py`` holds that the page is what the words of the package say.
"""

from pathlib import Path

from nsthelpers.lessons.glossary import page

PAGE = Path(__file__).parents[1] / "notebooks" / "glossary.md"

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
