"""Makes DejaVuSans-Subset.ttf: the letters that Source Sans 3 lacks and that can be set one after the other.

    pip install fonttools==4.68.0
    python subset.py /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf    # Debian's fonts-dejavu-core 2.37-6

Left out are scripts written from right to left or with joined or stacked letters (the figures' text is not shaped, and would
be wrong), letters for private use, and signs that no text of a tokenizer is likely to hold.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
LEFT_OUT = [
    (0x0300, 0x036F),  # combining marks: they would not sit on their letters
    (0x0590, 0x08FF),  # Hebrew, Arabic, N'Ko
    (0x0E00, 0x0EFF),  # Lao
    (0x1400, 0x167F),  # Canadian syllabics
    (0x1DC0, 0x1DFF),  # combining marks
    (0x200B, 0x200F),  # without a width, or a direction
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x20D0, 0x20FF),  # combining marks
    (0x4DC0, 0x4DFF),  # hexagrams
    (0xA4D0, 0xA4FF),  # Lisu
    (0xE000, 0xF8FF),  # private use
    (0xFB1D, 0xFDFF),  # Hebrew, Arabic
    (0xFE00, 0xFEFF),  # variation selectors, Arabic
    (0x10300, 0x1032F),  # Old Italic
    (0x1D300, 0x1D35F),  # tetragrams
    (0x1EE00, 0x1EEFF),  # Arabic mathematics
    (0x1F000, 0x1F0FF),  # tiles and cards
]


def main(source: str) -> None:
    have = set(TTFont(HERE / "SourceSans3-Regular.otf").getBestCmap())
    wanted = [
        code
        for code in TTFont(source).getBestCmap()
        if code not in have and not any(first <= code <= last for first, last in LEFT_OUT)
    ]
    options = subset.Options(hinting=False, layout_features=[], glyph_names=False, notdef_outline=False, name_IDs=[0, 1, 2, 5, 13, 14])
    options.drop_tables += ["GPOS", "GSUB", "GDEF", "kern"]
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    subset.save_font(font, HERE / "DejaVuSans-Subset.ttf", options)
    print(len(wanted), "letters")


main(sys.argv[1])
