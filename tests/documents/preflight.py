"""A structural look at a PDF that says it is PDF/A-3u. It finds gross faults; it is no validator and proves nothing."""

import io
import json
import re

import pikepdf

_FORBIDDEN_ACTIONS = {"/JavaScript", "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Rendition", "/GoToE"}


def problems(content: bytes, attachment: str) -> list[str]:
    """What is wrong with `content`, which should carry the file `attachment` as its data."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        found = [] if content.startswith(b"%PDF-1.7") else ["not PDF 1.7"]
        found += ["encrypted"] if pdf.is_encrypted else []
        found += _of_metadata(pdf) + _of_colours(pdf) + _of_attachment(pdf, attachment)
        ids = pdf.trailer.get("/ID")
        found += [] if ids is not None and len(ids) == 2 and all(bytes(one) for one in ids) else ["no /ID"]
        for thing in pdf.objects:
            if isinstance(thing, pikepdf.Dictionary):
                found += _of_dictionary(thing)
        return found


def attached(content: bytes, name: str) -> dict:
    """The JSON embedded as `name`."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return json.loads(pdf.attachments[name].get_file().read_bytes())


def _of_metadata(pdf) -> list[str]:
    xmp = bytes(pdf.Root.Metadata.read_bytes()).decode() if "/Metadata" in pdf.Root else ""
    found = []
    if not re.search(r'pdfaid:part="3"', xmp) or not re.search(r'pdfaid:conformance="U"', xmp):
        found.append("XMP does not say PDF/A-3u")
    if str(pdf.docinfo.get("/Title", "")) not in xmp or not pdf.docinfo.get("/Title"):
        found.append("no title, or XMP has another")
    if str(pdf.Root.get("/Lang", "")) != "zh-CN":
        found.append("no language")
    return found


def _of_colours(pdf) -> list[str]:
    intents = pdf.Root.get("/OutputIntents", [])
    good = [one for one in intents if one.S == "/GTS_PDFA1" and len(one.DestOutputProfile.read_bytes()) > 100]
    return [] if len(good) == 1 else ["no output intent with a profile"]


def _of_attachment(pdf, name: str) -> list[str]:
    if list(pdf.attachments) != [name]:
        return [f"attachments are {list(pdf.attachments)}"]
    associated = list(pdf.Root.get("/AF", []))
    if len(associated) != 1 or associated[0].get("/AFRelationship") != "/Data" or name != associated[0].UF:
        return ["the attachment is not associated once as data"]
    return [] if associated[0].EF.F.get("/Subtype") == "/application/json" else ["the attachment has no type"]


def _of_dictionary(thing) -> list[str]:
    found = []
    if thing.get("/S") in _FORBIDDEN_ACTIONS or "/JS" in thing or "/AA" in thing:
        found.append(f"an action: {thing.get('/S')}")
    if thing.get("/Type") == "/Font" and thing.get("/Subtype") == "/Type0":
        descriptor = thing.DescendantFonts[0].FontDescriptor
        if not any(key in descriptor for key in ("/FontFile2", "/FontFile3")):
            found.append(f"font {thing.BaseFont} is not embedded")
        if "/ToUnicode" not in thing:
            found.append(f"font {thing.BaseFont} has no ToUnicode")
    elif thing.get("/Type") == "/Font" and thing.get("/Subtype") not in ("/CIDFontType0", "/CIDFontType2"):
        found.append(f"a font of type {thing.get('/Subtype')}")
    return found
