//! The knowledge base: pages by slug, code and name.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::hash::Hash;
use crate::words::normalise;
use crate::{Error, Page, Result, Wall};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../datasets/knowledge");

/// Pages about statements, found by slug, code, name or synonym.
#[derive(Clone, Debug)]
pub struct KnowledgeBase {
    pages: BTreeMap<String, Page>,
    /// Slugs by SCP-ECG code, SNOMED CT code, and normalised name or synonym.
    scp: HashMap<String, String>,
    snomed: HashMap<String, String>,
    names: HashMap<String, String>,
}

impl KnowledgeBase {
    /// The pages that come with the program (`datasets/knowledge`).
    ///
    /// # Errors
    /// None that tests have left; those of [`Self::open`] otherwise.
    pub fn built_in() -> Result<Self> {
        let files = BUILT_IN.files().filter(|file| is_page(file.path()));
        let pages = files.map(|file| Page::parse(file.path(), file.contents_utf8().unwrap_or_default()));
        Self::new(pages.collect::<Result<_>>()?)
    }

    /// The pages of a folder: its files that end in `.md`.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::NoPages`], those of [`Page::parse`], and [`Error::UnknownParent`], [`Error::Cycle`] or
    /// [`Error::Claimed`] where pages do not fit together.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Read { path, source }
        };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
            let path = entry.map_err(unreadable(folder))?.path();
            if is_page(&path) {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            return Err(Error::NoPages { path: folder.to_owned() });
        }
        let page = |path: &PathBuf| Page::parse(path, &std::fs::read_to_string(path).map_err(unreadable(path))?);
        Self::new(paths.iter().map(page).collect::<Result<_>>()?)
    }

    fn new(pages: Vec<Page>) -> Result<Self> {
        let pages: BTreeMap<_, _> = pages.into_iter().map(|page| (page.slug.clone(), page)).collect();
        let mut base = Self { pages, scp: HashMap::new(), snomed: HashMap::new(), names: HashMap::new() };
        for page in base.pages.values() {
            if let Some(parent) = page.parents.iter().find(|parent| !base.pages.contains_key(*parent)) {
                return Err(Error::UnknownParent { path: page.path(), parent: parent.clone() });
            }
            if base.ancestors(page).contains(page.slug.as_str()) {
                return Err(Error::Cycle { path: page.path() });
            }
            for code in &page.codes.scp {
                claim(&mut base.scp, code.clone(), page)?;
            }
            for code in &page.codes.snomed {
                claim(&mut base.snomed, code.clone(), page)?;
            }
            for name in std::iter::once(&page.name).chain(&page.synonyms) {
                claim(&mut base.names, normalise(name), page)?;
            }
        }
        Ok(base)
    }

    /// The pages, sorted by slug.
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.values()
    }

    /// A hash of all pages, 16 hexadecimal digits: another one when a page is added, taken away or changed.
    pub fn version(&self) -> String {
        let mut hash = Hash::default();
        for page in self.pages() {
            hash.add(page.slug.as_bytes()).add(page.digest());
        }
        hash.short()
    }

    /// The page of a slug, such as `atrial-fibrillation`.
    pub fn page(&self, slug: &str) -> Option<&Page> {
        self.pages.get(slug)
    }

    /// The page of an SCP-ECG code, such as `AFIB`.
    pub fn by_scp(&self, code: &str) -> Option<&Page> {
        self.page(self.scp.get(code)?)
    }

    /// The page of a SNOMED CT code, such as `164889003`.
    pub fn by_snomed(&self, code: &str) -> Option<&Page> {
        self.page(self.snomed.get(code)?)
    }

    /// The page whose name or synonym says the same: case, plural, hyphens and known abbreviations make no difference.
    pub fn by_name(&self, name: &str) -> Option<&Page> {
        self.by_normalised(&normalise(name))
    }

    pub(crate) fn by_normalised(&self, name: &str) -> Option<&Page> {
        self.page(self.names.get(name)?)
    }

    /// The slugs of the broader concepts, near and far.
    pub fn ancestors<'a>(&'a self, page: &'a Page) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = page.parents.iter().map(String::as_str).collect();
        while let Some(slug) = open.pop() {
            if found.insert(slug) {
                open.extend(self.pages.get(slug).into_iter().flat_map(|page| page.parents.iter().map(String::as_str)));
            }
        }
        found
    }

    /// The narrower concept of `page` that names exactly these walls: an infarct, inferior and lateral, is an inferolateral
    /// infarct.
    pub(crate) fn at_walls(&self, page: &Page, walls: &BTreeSet<Wall>) -> Option<&Page> {
        self.pages.values().find(|narrower| narrower.walls == *walls && narrower.parents.contains(&page.slug))
    }
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

fn claim(claims: &mut HashMap<String, String>, key: String, page: &Page) -> Result<()> {
    let first = claims.insert(key.clone(), page.slug.clone());
    match first {
        Some(first) if first != page.slug => {
            Err(Error::Claimed { key, first: PathBuf::from(format!("{first}.md")), second: page.path() })
        }
        _ => Ok(()),
    }
}
