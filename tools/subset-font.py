"""Makes plots/fonts/MirrorflowMath.otf from Latin Modern Math (GUST Font License).

    python tools/subset-font.py latinmodern-math.otf plots/fonts/MirrorflowMath.otf      # needs fonttools

Keeps the characters the figures' labels may use; drops kerning, substitutions and the MATH table, so
that every renderer sets the same glyphs at the same places as plots/src/style/text.rs computes; and
takes a name of its own, as the licence asks of modified versions.
"""
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

KEEP = (
    [chr(c) for c in range(0x20, 0x7F)]
    + [chr(c) for c in range(0x391, 0x3CA) if c not in (0x3A2, 0x3AA, 0x3AB, 0x3AC, 0x3AD, 0x3AE, 0x3AF, 0x3B0)]  # upright Greek
    + [chr(c) for c in range(0x1D434, 0x1D468) if c != 0x1D455]  # italic Latin
    + [chr(c) for c in range(0x1D6E2, 0x1D71C)]  # italic Greek
    + list("äöüÄÖÜéèçñßø–—‘’“”…·×±−∗∘⊙∇∂∞≤≥≪≫≈∼≍≠∈→←↦⇔∑∫∏√‖∥ℎℓℝ′†%°⟨⟩⊤")
)

source, target = sys.argv[1:]
font = TTFont(source, recalcTimestamp=False)
missing = [c for c in KEEP if ord(c) not in font.getBestCmap()]
assert not missing, missing
options = subset.Options(layout_features=[], drop_tables=["MATH", "GSUB", "GPOS", "GDEF", "DSIG", "FFTM"],
                         notdef_outline=True, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], hinting=False)
maker = subset.Subsetter(options)
maker.populate(unicodes=[ord(c) for c in KEEP])
maker.subset(font)
for record in font["name"].names:
    new = {1: "Mirrorflow Math", 3: "MirrorflowMath-Regular 1", 4: "Mirrorflow Math", 6: "MirrorflowMath-Regular"}
    if record.nameID in new:
        record.string = new[record.nameID]
    elif record.nameID == 5:
        record.string = "Subset of Latin Modern Math 1.959 for mirrorflow"
font["OS/2"].fsType = 0  # free to embed, as the licence says
cff = font["CFF "].cff
cff.fontNames = ["MirrorflowMath-Regular"]
top = cff.topDictIndex[0]
top.FamilyName, top.FullName = "Mirrorflow Math", "Mirrorflow Math"
font.save(target)
