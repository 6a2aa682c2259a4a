"""The Markdown that the guide is written in, as HTML.

Headings, paragraphs, lists (also one in another), tables, pictures, links, bold, italic and code.
A heading's id is the one that GitHub makes of it, or that of an `<a id="…"></a>` in the line before
it. Pure: no Django.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape

Address = Callable[[str], str]  # of what is linked to; empty: not here

_HEADING = re.compile(r"(#{1,4}) (.+)")
_ANCHOR = re.compile(r'<a id="([\w-]+)"></a>')
_ITEM = re.compile(r"( *)(-|\d+\.) (.+)")
_CELLS = re.compile(r"(?<!\\)\|")
_INLINE = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|!\[(?P<alt>[^\]]*)\]\((?P<src>[^)]+)\)"
    r"|\[(?P<link>[^\]]+)\]\((?P<href>[^)]+)\)"
    r"|\*\*(?P<bold>.+?)\*\*"
    r"|\*(?P<italic>[^*]+)\*"
)


def to_html(text: str, address: Address) -> tuple[str, str]:
    """Return the title of a document, and what follows it as HTML."""
    title, blocks = "", []
    for block in _blocks(text.splitlines(), address):
        if isinstance(block, tuple):
            title = title or block[0]
        else:
            blocks.append(block)
    return title, "\n".join(blocks)


def ids_of(text: str) -> list[str]:
    """Return the ids of a document's sections, in their order."""
    return re.findall(r'<h[2-4] id="([^"]+)"', to_html(text, lambda target: "#")[1])


def _blocks(lines: Sequence[str], address: Address) -> Iterator[str | tuple[str]]:
    """Yield each block in HTML, and the title as a tuple."""
    at, anchor = 0, ""
    while at < len(lines):
        line = lines[at]
        if named := _ANCHOR.fullmatch(line):
            anchor, at = named[1], at + 1
        elif heading := _HEADING.fullmatch(line):
            level, words = len(heading[1]), heading[2]
            if level == 1:
                yield (words,)
            else:
                where = anchor or _slug(words)
                yield f'<h{level} id="{where}">{_inline(words, address)}</h{level}>'
            anchor, at = "", at + 1
        elif not line.strip():
            at += 1
        else:
            until = next((n for n in range(at, len(lines)) if not lines[n].strip()), len(lines))
            yield _block(lines[at:until], address)
            at = until


def _block(lines: Sequence[str], address: Address) -> str:
    if lines[0].startswith("|"):
        return _table(lines, address)
    if _ITEM.fullmatch(lines[0]):
        return _list(lines, address)
    return f"<p>{_inline(' '.join(lines), address)}</p>"


def _list(lines: Sequence[str], address: Address) -> str:
    """Return a list; items that stand further in are a list of the item before them."""
    items = [found for line in lines if (found := _ITEM.fullmatch(line))]
    indent, tag = len(items[0][1]), "ul" if items[0][2] == "-" else "ol"
    html, at = "", 0
    while at < len(items):
        inner = [one[0] for one in items[at + 1 :]]
        until = next((n for n, one in enumerate(items[at + 1 :]) if len(one[1]) <= indent), None)
        below = inner[:until]
        html += f"<li>{_inline(items[at][3], address)}{_list(below, address) if below else ''}</li>"
        at += 1 + len(below)
    return f"<{tag}>{html}</{tag}>"


def _table(lines: Sequence[str], address: Address) -> str:
    head, _, *rows = [_CELLS.split(line.strip().strip("|")) for line in lines]
    heads = "".join(
        f'<th scope="col">{_inline(cell.strip(), address)}</th>' if cell.strip() else "<td></td>"
        for cell in head
    )
    body = "".join(
        "<tr>" + "".join(f"<td>{_inline(cell.strip(), address)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        '<div class="wide" tabindex="0"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _inline(text: str, address: Address) -> str:
    """Return a line of text in HTML."""
    html, at = "", 0
    for found in _INLINE.finditer(text):
        html += escape(text[at : found.start()], quote=False) + _marked(found, address)
        at = found.end()
    return html + escape(text[at:], quote=False)


def _marked(found: re.Match[str], address: Address) -> str:
    if code := found["code"]:
        return f"<code>{escape(code, quote=False)}</code>"
    if src := found["src"]:
        return f'<img src="{escape(address(src))}" alt="{escape(found["alt"])}" loading="lazy">'
    if link := found["link"]:
        words, target = _inline(link, address), address(found["href"])
        return f'<a href="{escape(target)}">{words}</a>' if target else words
    if bold := found["bold"]:
        return f"<strong>{_inline(bold, address)}</strong>"
    return f"<em>{_inline(found['italic'], address)}</em>"


def _slug(heading: str) -> str:
    """Return the id that GitHub gives a heading."""
    words = re.sub(r"[^\w\- ]", "", heading.lower())
    return words.replace(" ", "-")
