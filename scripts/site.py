#!/usr/bin/env python3
"""Builds the documentation site: docs/ and what it links to, as HTML by mdBook.

    scripts/site.py            # into target/site/html
    scripts/site.py FOLDER     # into FOLDER/html

docs/SUMMARY.md says which pages there are and in which order. Specs, programs and reports that a page links to become pages of their
own, so that a reader need not leave the site; other files are copied. At the end every link of the site is followed, and the script
fails if one leads nowhere.

Needs Python 3.10 and mdBook. Where `mdbook` is not found, cargo builds it once and keeps it beside the target directory's other tools.
"""

import html.parser
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

import graph

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
MDBOOK = "0.5.4"

# Files that are shown as pages, with the language that colours them.
SHOWN = {".toml": "toml", ".rs": "rust", ".py": "python", ".sh": "bash", ".jsonl": "json", ".yml": "yaml"}

# What the table of contents has at its end: the name of a page, its title, and which paths are listed on it. The first that fits counts.
FILES = [
    ("specs", "Specs", lambda path: path.name.endswith(".toml.md")),
    ("reports", "Reports", lambda path: path.name == "report.md"),
    ("files", "Other files", lambda path: True),
]

# A fenced block, its lines included.
FENCED = re.compile(r"(^[ \t]*```.*\n(?:.*\n)*?[ \t]*```+[ \t]*\n)", re.MULTILINE)
LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\]\()([^)\s]+)(\))")


def mdbook() -> str:
    """The program: the user's, or one of this version that is built once."""
    if found := shutil.which("mdbook"):
        return found
    built = TARGET / "tools" / "bin" / "mdbook"
    if not built.exists():
        install = ["cargo", "install", "mdbook", "--version", MDBOOK, "--locked", "--no-default-features", "--features", "search"]
        # Its own target directory: it shares nothing with this program's builds.
        subprocess.run([*install, "--root", TARGET / "tools"], check=True, env={**os.environ, "CARGO_TARGET_DIR": str(TARGET / "tools" / "build")})
        shutil.rmtree(TARGET / "tools" / "build", ignore_errors=True)
    return str(built)


def relative(path: Path, page: Path) -> str:
    """The way from a page to a path, both below the root."""
    return os.path.relpath(path, page.parent).replace(os.sep, "/")


def placed(path: Path) -> Path:
    """Where a page is laid out: mdBook makes `index.html` of `index.md` alone, and leaves links to `README.md` as they are."""
    return path.with_name("index.md") if path.name == "README.md" else path


class Site:
    """The pages laid out below a folder as they are below the root of the repository."""

    def __init__(self, folder: Path):
        self.source = folder / "src"
        self.done: set[Path] = set()
        self.further: list[tuple[Path, str]] = []  # pages that the table of contents does not name, with their titles

    def page(self, path: Path) -> None:
        """Lays out a page, and whatever it links to."""
        if path in self.done:
            return
        self.done.add(path)
        text = (ROOT / path).read_text(encoding="utf-8")
        self.write(path, "".join(self.part(part, path) for part in FENCED.split(text)))

    def part(self, part: str, page: Path) -> str:
        """A fenced block of code, or the text between two: a link may go on from one line to the next."""
        fence = FENCED.fullmatch(part)
        if not fence:
            return LINK.sub(lambda link: self.link(link, page), part)
        if part.startswith("```mermaid\n"):
            return graph.svg(part) + "\n"
        # What stands behind the language is for the test that runs the block.
        first, rest = part.split("\n", 1)
        return re.match(r"\s*`+\S*", first)[0] + "\n" + rest

    def link(self, link: re.Match, page: Path) -> str:
        """A link as the site has it; only its text, where it leads to a result that is not kept in git."""
        target = self.target(link[2], page)
        return link[1] + target + link[3] if target else link[1].lstrip("![").removesuffix("](")

    def target(self, link: str, page: Path) -> str | None:
        """Where a link of a page leads on the site."""
        if "://" in link or link.startswith(("#", "mailto:")):
            return link
        file, _, heading = link.partition("#")
        path = Path(os.path.normpath(page.parent / file))
        if not (ROOT / path).exists() and path.parts[0] == "results":
            return None
        if (ROOT / path).is_dir():
            path = path / "README.md" if (ROOT / path / "README.md").exists() else self.listing(path)
        elif path.suffix == ".md":
            self.extra(path)
        elif path.suffix in SHOWN:
            path = self.shown(path)
        else:
            self.copy(path)
        return relative(placed(path), page) + (f"#{heading}" if heading else "")

    def extra(self, path: Path) -> None:
        """A page that may not be in the table of contents, such as a report."""
        if path not in self.done and path not in CONTENTS:
            title = next((line[2:] for line in (ROOT / path).read_text(encoding="utf-8").splitlines() if line.startswith("# ")), path.name)
            self.further.append((path, f"{path.parent.relative_to('results')}: {title}" if path.name == "report.md" else title))
            self.page(path)

    def shown(self, path: Path) -> Path:
        """A page with the text of a file."""
        page = path.with_name(path.name + ".md")
        if page not in self.done:
            self.done.add(page)
            self.further.append((page, str(path)))
            text = (ROOT / path).read_text(encoding="utf-8")
            self.write(page, f"# {path}\n\n````{SHOWN[path.suffix]}\n{text.rstrip()}\n````\n")
        return page

    def listing(self, folder: Path) -> Path:
        """A page with the files of a folder."""
        page = folder / "files.md"
        if page not in self.done:
            self.done.add(page)
            self.further.append((page, f"{folder}/"))
            files = sorted(path.relative_to(ROOT) for path in (ROOT / folder).iterdir() if path.is_file())
            links = [f"- [{path.name}]({self.target(path.name, page)})" for path in files]
            self.write(page, f"# {folder}/\n\n" + "\n".join(links) + "\n")
        return page

    def copy(self, path: Path) -> None:
        if path not in self.done:
            self.done.add(path)
            to = self.source / path
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, to)

    def write(self, path: Path, text: str) -> None:
        to = self.source / placed(path)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text, encoding="utf-8")

    def contents(self) -> None:
        """The table of contents, with the further pages at its end."""
        text = (ROOT / "docs" / "SUMMARY.md").read_text(encoding="utf-8")
        text = LINK.sub(lambda link: link[1] + str(placed(Path(os.path.normpath(Path("docs") / link[2])))) + link[3], text)
        text += "\n# Files\n\n"
        for name, heading, _ in FILES:
            entries = []
            for path, title in sorted(self.further):
                if next(other for other, _, takes in FILES if takes(path)) == name:
                    title = re.sub(r"([\[\]])", r"\\\1", title)
                    entries.append(f"- [{title}]({path})\n")
            text += f"- [{heading}]({name}.md)\n" + "".join(f"  {entry}" for entry in entries)
            self.write(Path(f"{name}.md"), f"# {heading}\n\nThose that the pages of this site link to.\n\n" + "".join(entries))
        self.write(Path("SUMMARY.md"), text)


class Links(html.parser.HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" and value:
                self.anchors.add(value)
            if value and (tag, name) in {("a", "href"), ("img", "src")}:
                self.links.append(value)


def broken(folder: Path) -> list[str]:
    """Links of the built site that lead nowhere."""
    # `print.html` is all pages on one.
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html") if path.name not in {"print.html", "toc.html", "404.html"}}
    found = []
    for path, page in pages.items():
        for link in page.links:
            if "://" in link or link.startswith(("mailto:", "javascript:", "data:")):
                continue
            file, _, heading = urllib.parse.unquote(link).partition("#")
            target = Path(os.path.normpath(path.parent / file)) if file else path
            if not target.is_file() or (heading and target in pages and heading not in pages[target].anchors):
                found.append(f"{path.relative_to(folder)}: {link}")
    return found


CONTENTS = {Path(os.path.normpath(Path("docs") / link[2])) for link in LINK.finditer((ROOT / "docs" / "SUMMARY.md").read_text(encoding="utf-8"))}


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else TARGET / "site").absolute()
    program = mdbook()
    shutil.rmtree(folder / "src", ignore_errors=True)
    shutil.rmtree(folder / "html", ignore_errors=True)
    site = Site(folder)
    for path in sorted(CONTENTS):
        site.page(path)
    site.contents()
    for name in ("book.toml", "site.css"):
        shutil.copyfile(ROOT / "docs" / name, folder / name)
    subprocess.run([program, "build", folder], check=True)
    if found := broken(folder / "html"):
        sys.exit("links that lead nowhere:\n" + "\n".join(found))
    print(f"{len(list((folder / 'html').rglob('*.html')))} pages in {folder / 'html' / 'index.html'}")


if __name__ == "__main__":
    main()
