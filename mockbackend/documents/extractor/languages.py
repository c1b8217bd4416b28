"""Languages: their letters that are not ASCII, the most frequent first, and common words that are ASCII."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """A language, or a few that are written alike. No word is one of English too, which stands in any text."""

    letters: str
    words: frozenset[str] = frozenset()


def _language(letters: str, words: str = "") -> Language:
    return Language(letters, frozenset(words.split()))


_GERMAN = _language(
    "äüöß", "der das und ist nicht ein eine mit von zu auf sich des dem im auch bei sie ich wir oder wird"
)
_FRENCH = _language(
    "éèàêçôîûùâïëœüæÿ", "le la les de des du un une est dans pour pas que qui par sur avec vous nous je ce au et ou ne"
)
_SPANISH = _language("óáíñéúü", "el la los las de del en un una que con por para se es como su pero lo al este si")
_POLISH = _language("łąężśćóńź", "nie jest na dla jak ale przez tylko od lub oraz po jako bez przy czy za co ze i")
_WESTERN_ONLY = (
    _language("àóèéïçíúòü·", "el la els les de del en un una que amb per es com dels hi ha si al"),
    _language("ãçáéêíõóúâàôü", "de da dos das em um uma para com que os por ao mais ser se na ou foi"),
    _language("èàùòìéî", "il la di che non per un una con del della dei le si nel sono gli come ha al"),
    _language(
        "äöåéü", "och att det som en av till med inte har ett den om kan jag ja ei oli mutta tai kun ole olla voi joka"
    ),
    _language("æøåéö", "og det er en af av til med ikke har som den jeg vi kan om et fra ved eller"),
    _language("ëéïöüèç", "de het een van en niet met voor zijn dat te aan bij naar ook deze om als"),
    _language("ðáíþúóöæéý", "og er ekki til sem um fyrir var eru hann en af ef"),
)
WESTERN = (_GERMAN, _FRENCH, _SPANISH, *_WESTERN_ONLY)
CENTRAL = (
    _POLISH,
    _language("íáěéžščřýůúňďťó", "je se na ve pro jako nebo ale jsou byl od za pouze co ze jak bez pokud"),
    _language("áíýžčéťšúľďôňóäĺŕ", "je sa na vo pre ako alebo ale nie od za iba aby pri bez ak zo"),
    _language("áéöóőíüúű", "az egy nem hogy meg van ha csak vagy volt ez minden mint nincs kell el"),
    _language("ăţîşâ", "nu este un cu din pentru pe care sau fi mai de la se sunt prea"),
    _language("ščžćđ", "je za na ili od nije kako ako se su da ni ali pri kot iz ne bez samo ima med"),
    _language("ëç", "nuk dhe nga ky mund ose apo ku duke rreth"),
    _GERMAN,
)
TURKISH = (_language("ıüişğçöâî", "bir ve bu ile olarak yok var daha olan ama mi da de veya en her"), _FRENCH, _SPANISH)
BALTIC = (
    _language("šųžėįąūčę", "ir yra kad kaip tai ne bet tik su jei arba prie iki kai"),
    _language("āīēšūļņžģķč", "un ir nav vai kas uz ar par lai kad tiek kā bet tikai starp"),
    _language("äõüöšž", "ja ei oli kui see mis ole selle aga et kas saa ning siis"),
    _POLISH,
)
# It marks its tones with signs of their own.
VIETNAMESE = (_language("\u0301\u0300đ\u0323ưâáàôêơăóạả\u0309éíúãò\u0303ýèùìõ"),)
CYRILLIC = (
    _language("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"),
    _language("оаинтеірвслкмудпязьгбчйхжїюцшєщфґ"),
    _language("аеионртсдкмвујплбзгшцчњљжћхђфџ"),
)
GREEK = (_language("αοιετνσρκπυμλίςόάέήδγηώθύχωφβξζψϊϋΐΰ"),)
HEBREW = (
    _language("יוהלארתשמבנםחדקעפטגכסזצןךףץ"),
    _language("יוהלארת\u05b8\u05b7\u05b4\u05bc\u05b6\u05b5\u05b0שמבנםחדקעפטגכסזצן\u05b9ךףץ"),
)
ARABIC = (
    _language("اليمنترودبعهسةفكحجأقىشصخطذءإضزئثغآظؤ"),
    _language("اینردموتهبشکسلزفگپخعقچجحآصطغضذژثظئء"),
    _language("اکیرنہےموتسںلدگبھپچجعئحٹشخقفزڑٹ"),
)
THAI = (_language("าน่รกอเงมยล้วดทตสะิปบัหคีแจพขใไผืโชุูธถณ์็ๆำฟญศฉซษฐภฮฤฎฏฌ"),)
