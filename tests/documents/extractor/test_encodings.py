"""Text in every encoding that programs save it in: read as it was written, or refused in words."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mockbackend.documents.errors import Unreadable
from mockbackend.documents.extractor.encoding import decode
from tests.documents.extractor.in_process import read_with_notice

UNKNOWN = r"^The encoding of the file's text is not known\. Save it as UTF-8 and upload that\.$"
RUSSIAN = "Смотритель зажёг лампу в сумерках и записал это в журнал."
UKRAINIAN = "Доглядач запалив лампу в сутінках і записав це до журналу."
BULGARIAN = "Уважаеми господине, пазачът запали лампата по здрач. „Защо?“ Християн чакаше."
MACEDONIAN = "Чуварот ја запали ламбата на самрак и запиша: ноќта беше долга, џабе чекаа."
JAPANESE = "灯台の守り人は夕暮れにランプを灯し、日誌に書き留めた。"
CHINESE = "守塔人在黄昏时点亮了灯，并把它写进了日志。"
TAIWANESE = "守塔人在黃昏時點亮了燈，並把它寫進了日誌。"
KOREAN = "등대지기는 해 질 녘에 등을 켜고 일지에 적었습니다."
POLISH = "Latarnik zapalił lampę o zmierzchu i zapisał to w książce. Łódź czeka."
CZECH = "Strážce rozsvítil lampu za soumraku a zapsal to do deníku. Žluťoučký kůň."
HUNGARIAN = "Az őr alkonyatkor meggyújtotta a lámpát, és feljegyezte: tűz, víz, hűs eső."
GREEK = "Ο φύλακας άναψε τη λάμπα το σούρουπο και το σημείωσε στο ημερολόγιο."
HEBREW = "השומר הדליק את המנורה עם רדת החשכה ורשם זאת ביומן."
ARABIC = "أشعل الحارس المصباح عند الغسق وكتب ذلك في السجل."
PERSIAN = "نگهبان در غروب چراغ را روشن کرد و آن را در دفتر نوشت."
TURKISH = "Bekçi alacakaranlıkta lambayı yaktı ve bunu deftere yazdı. Şimdi güneş doğuyor."
LITHUANIAN = "Sargas sutemus uždegė žibintą ir įrašė tai į žurnalą. Šviesa švietė visą naktį."
LATVIAN = "Sargs krēslā iededza lampu un ierakstīja to žurnālā. Kuģi brauca garām."
ESTONIAN = "Tuletorni vaht süütas õhtul lambi ja kirjutas selle päevikusse."
THAI = "ผู้ดูแลจุดตะเกียงในยามพลบค่ำและจดบันทึกไว้ในสมุด"
GERMAN = "Der Wärter zündete bei Dämmerung die Lampe an und schloß die Tür: 20 Öfen, ein Gruß."
FRENCH = "Le gardien alluma la lampe à la tombée de la nuit et le nota : très belle soirée d’été."
SPANISH = "¿Encendió el farero la lámpara al anochecer? Sí, señor, y lo escribió: mañana, corazón."
FINNISH = "Majakanvartija sytytti lampun hämärässä ja kirjoitti sen päiväkirjaan. Yö oli pitkä."
ICELANDIC = "Vörðurinn kveikti á lampanum í rökkrinu og skrifaði það í dagbókina. Þetta er góður staður."
CASES = [
    *((RUSSIAN, encoding) for encoding in ("cp1251", "koi8-r", "cp866", "iso8859-5", "mac_cyrillic")),
    *((UKRAINIAN, encoding) for encoding in ("cp1251", "koi8-u")),
    *((BULGARIAN, encoding) for encoding in ("cp1251", "mac_cyrillic")),
    *((MACEDONIAN, encoding) for encoding in ("cp1251", "iso8859-5", "mac_cyrillic")),
    *((JAPANESE, encoding) for encoding in ("shift_jis", "cp932", "euc_jp", "iso2022_jp")),
    *((CHINESE, encoding) for encoding in ("gb2312", "gbk", "gb18030")),
    (TAIWANESE, "big5"),
    *((KOREAN, encoding) for encoding in ("euc_kr", "cp949", "iso2022_kr")),
    *((text, encoding) for text in (POLISH, CZECH, HUNGARIAN) for encoding in ("cp1250", "iso8859-2", "cp852")),
    *((GREEK, encoding) for encoding in ("cp1253", "iso8859-7")),
    *((HEBREW, encoding) for encoding in ("cp1255", "iso8859-8")),
    *((text, "cp1256") for text in (ARABIC, PERSIAN)),
    *((TURKISH, encoding) for encoding in ("cp1254", "iso8859-9")),
    *((text, "cp1257") for text in (LITHUANIAN, LATVIAN, ESTONIAN)),
    (THAI, "cp874"),
    *((GERMAN, encoding) for encoding in ("cp1252", "iso8859-15", "mac_roman", "cp850")),
    *((text, encoding) for text in (FRENCH, SPANISH) for encoding in ("cp1252", "mac_roman")),
    *((text, "cp1252") for text in (FINNISH, ICELANDIC, "naïve café", "Price 20 £", "21 °C ± 2", "“It’s”")),
    # Lists are short.
    *(("Имя,Возраст\nИван,30\n", encoding) for encoding in ("cp1251", "koi8-r", "cp866")),
    *(("名前,年齢\n田中,30\n", encoding) for encoding in ("cp932", "euc_jp", "iso2022_jp")),
    *(("姓名,年龄\n王伟,30\n", encoding) for encoding in ("gb18030",)),
    *(("이름,나이\n김철수,30\n", encoding) for encoding in ("cp949",)),
]
# What a letter or two leave open, the words around them show.
FEW_LETTERS = [
    ("Mostra il nome completo della finestra nel menù", ("cp1252", "mac_roman")),
    ("Die Datei ist nicht gültig oder kann nicht gelesen werden", ("cp1252", "mac_roman", "cp850")),
    ("Nu este un nume care poate fi folosit mai târziu în text", ("cp1250", "iso8859-2")),
    ("Ni mogoče brati datoteke, ker je za to premalo pravic", ("cp1250",)),
    ("Failas yra per didelis, bet jis bus įrašytas su kitu vardu", ("cp1257",)),
    ("İstanbul, Beşiktaş, Yıldız Mahallesi", ("cp1254", "iso8859-9")),
]
# UTF-16 without a mark, in which these have few control characters or none.
PAIRS = [
    ("ソフトウェアは信頼できるソースのものではありません。", ("utf-16-le", "utf-16-be")),
    ("不正なドメイン名です", ("utf-16-le", "utf-16-be")),
    ("密碼錯誤，請重試", ("utf-16-le", "utf-16-be")),
    ("自签名证书具有损坏的签名", ("utf-16-le", "utf-16-be")),
    ("Xin chào thế giới, hôm nay trời đẹp quá.", ("utf-16-le", "utf-16-be")),
    ("Գրադարանի նոր կանոնները սկսվում են վաղը։", ("utf-16-le", "utf-16-be")),
    ("Done ✓ → 😀", ("utf-16-le", "utf-16-be")),
]
WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


@pytest.mark.parametrize(("text", "encoding"), CASES, ids=str)
def test_text_in_an_older_encoding_is_read(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(("text", "encodings"), [*FEW_LETTERS, *PAIRS])
def test_a_short_text_is_read(text: str, encodings: tuple[str, ...]) -> None:
    assert [decode(text.encode(encoding)) for encoding in encodings] == [text] * len(encodings)


@pytest.mark.parametrize(
    ("text", "encoding", "is_noted"),
    [
        # With one letter it may as well be another language's.
        ("Straße", "cp850", True),
        ("Ni mogoče odpreti datoteke za branje", "cp1250", True),
        ("Price 20 £", "cp1252", True),
        ("Die Tür ist für alle geöffnet, außer für Gäste.", "cp1252", False),
        (RUSSIAN, "koi8-r", False),
        ("姓名,年龄\n王伟,30\n", "gb18030", False),
        ("Straße", "utf-8", False),
        ("Straße", "utf-16-le", False),
    ],
)
def test_a_text_that_may_as_well_be_another_has_a_notice(
    text: str, encoding: str, is_noted: bool, tmp_path: Path
) -> None:
    for name, kind, content in (("a.txt", "text", text), ("a.html", "html", f"<p>{text}</p>"), ("a.csv", "csv", text)):
        (tmp_path / name).write_bytes(content.encode(encoding))
        _, notice = read_with_notice(tmp_path / name, kind)
        assert ("If letters are wrong, save it as UTF-8" in notice) == is_noted, name


@pytest.mark.parametrize(
    "line", ["Уважаеми господине,", "Защо? Чакам.", "За нас", "„Здравей“, каза той.", "Хорошо. Хотя"]
)
def test_capitals_of_a_list_are_no_quotation_marks(line: str) -> None:
    text = f"{line}\n" * 30
    assert decode(text.encode("cp1251")) == text


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, "姓名,年龄\n王伟,30\n", KOREAN, HEBREW, THAI, "a,b\n1,2\n"])
def test_wide_text_is_read_with_and_without_a_mark(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text
    assert decode(f"\ufeff{text}".encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_chinese_without_anything_of_ascii_is_read(encoding: str) -> None:
    assert decode(CHINESE.encode(encoding)) == CHINESE


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("text", "encoding"), [(GERMAN, "cp1252"), (RUSSIAN, "koi8-r"), (CHINESE, "gb18030"), (JAPANESE, "cp932")]
)
def test_the_first_letters_may_come_late_and_in_one_long_line(text: str, encoding: str) -> None:
    for before, after in (("a" * 100_000, ""), ("line\n" * 20_000, ""), ("", text * 500)):
        whole = f"{before}{text}{after}"
        assert decode(whole.encode(encoding)) == whole


@pytest.mark.parametrize(
    ("text", "encoding", "declared"),
    [
        ("Да", "koi8-r", "KOI8-R"),
        ("灯台", "cp932", "x-sjis"),
        ("朱镕基", "gb18030", "gb2312"),
        ("한글", "cp949", "ks_c_5601-1987"),
        ("ไทย", "cp874", "tis-620"),
        ("汉字", "hz", "hz-gb-2312"),
        # What is declared by programs that do not know better.
        ("Да и нет", "utf-8", "windows-1251"),
        (RUSSIAN, "cp1251", "iso-8859-1"),
        (POLISH, "cp1250", "utf-8"),
        ("“quoted” café", "cp1252", "iso-8859-1"),
        (RUSSIAN, "cp1251", "no-such"),
        (RUSSIAN, "cp1251", "base64"),
    ],
)
def test_what_is_declared_counts_where_it_can_be_true(text: str, encoding: str, declared: str) -> None:
    assert decode(text.encode(encoding), declared) == text


def test_a_little_damage_does_not_change_the_encoding() -> None:
    whole = RUSSIAN * 10
    assert decode(whole.encode()[:-4] + b"\n") == whole[:-3] + "\ufffd\n"
    assert decode(whole.encode("cp1251").replace(b"\xe6", b"\x98", 1)).count("\ufffd") == 1


def test_bytes_that_are_no_text_are_refused() -> None:
    chosen = random.Random(1)
    noise = [bytes(chosen.choice(range(1, 256)) for _ in range(size)) for size in (100, 1000, 5000)]
    for data in (*noise, bytes(range(1, 256)), bytes(range(128, 256))):
        with pytest.raises(Unreadable, match=UNKNOWN):
            decode(data)
