"""Languages by their letters, to tell which encoding of one byte a character a text is in.

In a wrong encoding a text has letters that no language has, or the rare ones of a language as often as the common ones.
charset-normalizer judges all letters, which leaves too few that differ: it misread a third of short Latin texts.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from .partial import decode_sample

# Letters that are not ASCII, the most frequent first. Vietnamese marks its tones with signs of their own.
_WESTERN = (
    *("äüöß", "éèàêçôîûùâïëœüæÿ", "óáíñéúü", "àóèéïçíúòü·", "ãçáéêíõóúâàôü", "èàùòìéî", "äöåéü", "æøåéö", "ëéïöüèç"),
    "ðáíþúóöæéý",
)
_CENTRAL = ("łąężśćóńź", "íáěéžščřýůúňďťó", "áíýžčéťšúľďôňóäĺŕ", "áéöóőíüúű", "ăţîşâ", "ščžćđ", "ëç", "äüöß")
_TURKISH = ("ıüişğçöâî", "éèàêçôîûùâïëœüæ", "óáíñéúü")
_BALTIC = ("šųžėįąūčę", "āīēšūļņžģķč", "äõüöšž", "łąężśćóńź")
_VIETNAMESE = ("\u0301\u0300đ\u0323ưâáàôêơăóạả\u0309éíúãò\u0303ýèùìõ",)
_CYRILLIC = ("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", "оаинтеірвслкмудпязьгбчйхжїюцшєщфґ", "аеионртсдкмвујплбзгшцчњљжћхђфџ")
_GREEK = ("αοιετνσρκπυμλίςόάέήδγηώθύχωφβξζψϊϋΐΰ",)
_HEBREW = ("יוהלארתשמבנםחדקעפטגכסזצןךףץ", "יוהלארת\u05b8\u05b7\u05b4\u05bc\u05b6\u05b5\u05b0שמבנםחדקעפטגכסזצן\u05b9ךףץ")
_ARABIC = (
    "اليمنترودبعهسةفكحجأقىشصخطذءإضزئثغآظؤ",
    "اینردموتهبشکسلزفگپخعقچجحآصطغضذژثظئء",
    "اکیرنہےموتسںلدگبھپچجعئحٹشخقفزڑٹ",
)
_THAI = ("าน่รกอเงมยล้วดทตสะิปบัหคีแจพขใไผืโชุูธถณ์็ๆำฟญศฉซษฐภฮฤฎฏฌ",)

# The candidates, those first that most files are in. Others cost something in advance: it takes more to show them.
_ENCODINGS = (
    (0.0, ("cp1252", _WESTERN), ("cp1251", _CYRILLIC), ("cp1253", _GREEK), ("cp1255", _HEBREW), ("cp1256", _ARABIC)),
    (0.0, ("cp874", _THAI)),
    (1.0, ("cp1250", _CENTRAL), ("cp1254", _TURKISH), ("cp1257", _BALTIC), ("cp1258", _VIETNAMESE)),
    (2.0, ("koi8-r", _CYRILLIC), ("iso8859-15", _WESTERN), ("iso8859-2", _CENTRAL), ("iso8859-9", _TURKISH)),
    (2.0, ("iso8859-7", _GREEK), ("iso8859-5", _CYRILLIC), ("iso8859-8", _HEBREW), ("iso8859-6", _ARABIC)),
    (3.0, ("koi8-u", _CYRILLIC), ("iso8859-13", _BALTIC), ("cp866", _CYRILLIC), ("mac_cyrillic", _CYRILLIC)),
    (4.0, ("mac_roman", _WESTERN), ("mac_latin2", _CENTRAL), ("mac_greek", _GREEK), ("mac_turkish", _TURKISH)),
    (4.0, ("cp850", _WESTERN), ("cp852", _CENTRAL), ("cp737", _GREEK), ("cp857", _TURKISH), ("cp862", _HEBREW)),
)
# Signs that texts of any language have, and those that stand within words.
_QUOTATION = "\u00a0’“”‘„«»–—…"
_SIGNS = f"{_QUOTATION}•°§€£©®™·×±½²³´¿¡ºª№"
_WITHIN_WORDS = "’‘·\u00ad–"
# At the beginning of a word, and at its end. In Latin letters an apostrophe is written so as well.
_OPENING = re.compile(r"(?<![^\W_])[«»„“”‘’](?=[^\W\d_])")
_CLOSING = re.compile(r"(?<=\S)[«»„“”‘’](?!\w)")
# Words of one letter.
_WORDS = "àÀáéÉèÈóòôåÅöÖæøªº"
_LATIN = frozenset("éáäłıāšđ")
# Nats that a character costs which is no letter of the language, a sign, a quotation mark; what place and case add.
_FOREIGN, _SIGN, _QUOTE, _MISPLACED, _CAPITAL = 9.0, 4.5, 2.5, 6.0, 0.7
_NOT_ASCII = re.compile(r"(?<=(.))([^\x00-\x7f])(?=(.))", re.DOTALL)


def costs(sample: bytes) -> Iterator[tuple[str, float, float, int]]:
    """The encodings that a sample may be in: (name, cost in advance, of what is not ASCII, how many characters)."""
    for in_advance, *encodings in _ENCODINGS:
        for encoding, languages in encodings:
            cost, count = _cost(f" {decode_sample(sample, encoding)} ", languages)
            yield encoding, in_advance, cost, count


def _cost(text: str, languages: tuple[str, ...]) -> tuple[float, int]:
    """What the characters that are not ASCII cost in the language that fits best, and how many they are."""
    is_latin = not _LATIN.isdisjoint(languages[0])
    counted = Counter(_characters(text, is_latin))
    fixed = sum(number * extra for (_, extra), number in counted.items())
    if not is_latin:
        # Capitals of another encoding look like quotation marks that nothing closes.
        fixed += _MISPLACED * max(0, len(_OPENING.findall(text)) - len(_CLOSING.findall(text)))
    of_languages: list[float] = []
    for language in languages:
        # Frequencies fall about as their ranks rise.
        total = sum(1 / rank for rank in range(1, len(language) + 1))
        of_letters = {letter: math.log(rank * total) for rank, letter in enumerate(language, 1)}
        of_languages.append(
            sum(n * of_letters.get(character, _other(character, is_latin)) for (character, _), n in counted.items())
        )
    return min(of_languages) + fixed, sum(counted.values())


def _other(character: str, is_latin: bool) -> float:
    """What a character costs that is no letter of the language. Other scripts have fewer quotation marks a letter."""
    if character in _QUOTATION:
        return _QUOTE if is_latin else _SIGN
    return _SIGN if character in _SIGNS else _FOREIGN


def _characters(text: str, is_latin: bool) -> Iterator[tuple[str, float]]:
    """Each character that is not ASCII, in lower case, and what its case and its place add to its cost."""
    for before, character, after in _NOT_ASCII.findall(text):
        if unicodedata.combining(character):
            yield character, 0.0 if before.isalpha() or unicodedata.combining(before) else _MISPLACED
            continue
        if not character.isalpha():
            within = before.isalpha() and after.isalpha() and character not in _WITHIN_WORDS
            yield character, _MISPLACED if within and character in _SIGNS else 0.0
            continue
        # A capital within a word begins nothing, and a word is in one script.
        wrong = (before.islower() and character.isupper()) or (character.islower() and after.isupper())
        if is_latin and not before.isalpha() and not after.isalpha():
            wrong = character not in _WORDS
        if not is_latin:
            wrong = wrong or any(one.isascii() and one.isalpha() for one in (before, after))
        yield character.lower(), _MISPLACED if wrong else _CAPITAL if character.isupper() else 0.0
