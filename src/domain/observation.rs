//! From pages to an observation: the answer of one check of one company (design 3).

use serde::Deserialize;

/// The most items one page can hold, and the page size asked for (API document: 最大20条).
pub const PAGE_SIZE: u16 = 20;

/// The most pages one check asks for. 50 pages are 1,000 certificates of one company; a `total` beyond that is not believed.
pub const PAGES_MAX: u16 = 50;

/// How the provider is asked (请求方式: get/post).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RequestMethod {
    /// The parameters, the key too, stand in the URL, which proxies write into their logs.
    Get,
    /// The parameters are a form in the body.
    #[default]
    Post,
}

/// One entry of `items`, its values as text exactly as upstream wrote them; `None` where absent or null (API document,
/// 返回参数说明).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Item {
    /// 发证机关, the issuing organ.
    pub organ: Option<String>,
    /// 证书有效期, the last day of validity.
    pub effective_time: Option<String>,
    /// 资格id: a 24-hex prefix, `-`, and the certificate number.
    pub business_id: Option<String>,
    /// 发证日期, the issue date.
    pub issuing_certificate_time: Option<String>,
    /// 资质类别, the type of the certificate.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// 资质证书号.
    pub certificate_num: Option<String>,
    /// 资质名称: one or several qualifications.
    pub qualification_name: Option<String>,
}

/// One page that came with `error_code` 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnswerPage {
    /// `total` as this page said it; `None` where it was missing or no number.
    pub total: Option<u64>,
    /// The items of this page, in their order.
    pub items: Vec<Item>,
}

/// Why the pages of one check do not add up to a complete observation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incompleteness {
    /// A page had no readable `total`.
    #[error("no total")]
    NoTotal,
    /// Two pages stated different totals.
    #[error("total changed from {first} to {then}")]
    TotalChanged {
        /// What the first page said.
        first: u64,
        /// What a later page said.
        then: u64,
    },
    /// Fewer or more items came than `total` said.
    #[error("total {total}, got {got}")]
    Count {
        /// What every page said.
        total: u64,
        /// The items that came.
        got: u64,
    },
    /// One whole item came on two pages.
    #[error("the item {business_id} came on two pages")]
    Repeated {
        /// Its 资格id, or what else names it.
        business_id: String,
    },
    /// `total` is beyond what one check asks for.
    #[error("total {total} is more than one check can ask for")]
    TooMany {
        /// What the page said.
        total: u64,
    },
    /// Items of another company bear certificate numbers of ours.
    #[error("certificate {number} came under another company's id")]
    ForeignNumber {
        /// The number in question.
        number: String,
    },
    /// A later page said that there is nothing.
    #[error("page {page} was empty")]
    EmptyPage {
        /// Which page.
        page: u16,
    },
}

/// The answer of one check of one company, all pages together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// Every page came, and they add up.
    Complete(Vec<Item>),
    /// Upstream says there is nothing: 265004, or total 0 and no items.
    Empty,
    /// The pages do not add up: nothing may be concluded.
    Incomplete(Incompleteness),
}

/// The pages of one check while they come in. Pure: says which page to ask for next, or what was observed.
#[derive(Debug, Clone, Default)]
pub struct Gathering {
    total: Option<u64>,
    pages: Vec<Vec<Item>>,
}

/// What to do after a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPage {
    /// Ask for the next page.
    Ask,
    /// All is there, or can no longer add up: no further paid call.
    Done(Observation),
}

impl Gathering {
    /// Adds the page that was asked for last and says what follows. A gathering that can no longer add up ends at once:
    /// each further page would be a wasted call.
    #[must_use]
    pub fn add(&mut self, page: AnswerPage) -> NextPage {
        match self.try_add(page) {
            Ok(next) => next,
            Err(reason) => NextPage::Done(Observation::Incomplete(reason)),
        }
    }

    /// What a 265004 means here: nothing at all on the first page, a gap on a later one.
    #[must_use]
    pub fn add_not_found(&mut self) -> Observation {
        match u16::try_from(self.pages.len() + 1) {
            Ok(1) => Observation::Empty,
            Ok(page) => Observation::Incomplete(Incompleteness::EmptyPage { page }),
            Err(_) => Observation::Incomplete(Incompleteness::NoTotal),
        }
    }

    fn try_add(&mut self, page: AnswerPage) -> Result<NextPage, Incompleteness> {
        let total = page.total.ok_or(Incompleteness::NoTotal)?;
        let first = *self.total.get_or_insert(total);
        if first != total {
            return Err(Incompleteness::TotalChanged { first, then: total });
        }
        // A row of which nothing can be read is like any other such row, and hides no item.
        let mut readable = page.items.iter().filter(|item| **item != Item::default());
        if let Some(twice) = readable.find(|item| self.pages.iter().flatten().any(|seen| seen == *item)) {
            let business_id = twice.business_id.clone().or_else(|| twice.certificate_num.clone());
            return Err(Incompleteness::Repeated { business_id: business_id.unwrap_or_default() });
        }
        let page_is_short = page.items.len() < usize::from(PAGE_SIZE);
        self.pages.push(page.items);
        let got = self.pages.iter().map(Vec::len).sum::<usize>() as u64;
        if total == 0 && got == 0 {
            return Ok(NextPage::Done(Observation::Empty));
        }
        if got == total {
            return Ok(NextPage::Done(Observation::Complete(self.pages.drain(..).flatten().collect())));
        }
        if total > u64::from(PAGE_SIZE) * u64::from(PAGES_MAX) {
            return Err(Incompleteness::TooMany { total });
        }
        if got > total || page_is_short {
            return Err(Incompleteness::Count { total, got });
        }
        Ok(NextPage::Ask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(n: usize) -> Item {
        Item { business_id: Some(format!("5d43a8f092aec74cbf04a163-D3410{n:05}")), ..Item::default() }
    }

    fn page(total: u64, items: std::ops::Range<usize>) -> AnswerPage {
        AnswerPage { total: Some(total), items: items.map(item).collect() }
    }

    fn gathered(pages: Vec<AnswerPage>) -> (usize, Observation) {
        let mut gathering = Gathering::default();
        let mut asked = 0;
        for page in pages {
            asked += 1;
            if let NextPage::Done(observation) = gathering.add(page) {
                return (asked, observation);
            }
        }
        panic!("more pages were asked for than there are");
    }

    #[test]
    fn pages_add_up_or_nothing_is_concluded() {
        for (pages, calls, expected, why) in [
            (vec![page(0, 0..0)], 1, Ok(0), "nothing at all"),
            (vec![page(20, 0..20)], 1, Ok(20), "one full page needs no second call"),
            (vec![page(45, 0..20), page(45, 20..40), page(45, 40..45)], 3, Ok(45), "three calls for 45"),
            (
                vec![page(45, 0..20), page(45, 20..40), page(45, 40..44)],
                3,
                Err(Incompleteness::Count { total: 45, got: 44 }),
                "a truncated list is not a removal",
            ),
            (
                vec![page(45, 0..20), page(44, 20..40)],
                2,
                Err(Incompleteness::TotalChanged { first: 45, then: 44 }),
                "the list moved while it was read",
            ),
            (
                vec![page(45, 0..20), page(45, 19..39)],
                2,
                Err(Incompleteness::Repeated { business_id: "5d43a8f092aec74cbf04a163-D341000019".into() }),
                "a shifted page hides another item",
            ),
            (
                vec![page(45, 0..20), page(45, 20..39)],
                2,
                Err(Incompleteness::Count { total: 45, got: 39 }),
                "a short page in the middle cannot add up: the third call is saved",
            ),
            (
                vec![page(u64::from(PAGE_SIZE) * u64::from(PAGES_MAX) + 1, 0..20)],
                1,
                Err(Incompleteness::TooMany { total: u64::from(PAGE_SIZE) * u64::from(PAGES_MAX) + 1 }),
                "one more than fits on all pages",
            ),
            (vec![page(0, 0..1)], 1, Err(Incompleteness::Count { total: 0, got: 1 }), "total 0 with items"),
            (
                vec![page(5, 0..6)],
                1,
                Err(Incompleteness::Count { total: 5, got: 6 }),
                "more than the total said",
            ),
            (
                vec![page(5, 0..20)],
                1,
                Err(Incompleteness::Count { total: 5, got: 20 }),
                "a full page more: no further one is paid",
            ),
            (
                vec![page(1_000_000, 0..20)],
                1,
                Err(Incompleteness::TooMany { total: 1_000_000 }),
                "no company has a million certificates",
            ),
        ] {
            let (asked, observation) = gathered(pages);
            let counted = match observation {
                Observation::Complete(items) => Ok(items.len()),
                Observation::Empty => Ok(0),
                Observation::Incomplete(reason) => Err(reason),
            };
            assert_eq!((asked, counted), (calls, expected), "{why}");
        }
    }

    #[test]
    fn as_many_as_fit_on_all_pages_are_gathered() {
        let total = usize::from(PAGE_SIZE) * usize::from(PAGES_MAX);
        let size = usize::from(PAGE_SIZE);
        let pages = (0..usize::from(PAGES_MAX)).map(|at| page(total as u64, at * size..(at + 1) * size));
        let (asked, observation) = gathered(pages.collect());
        assert_eq!(asked, usize::from(PAGES_MAX));
        assert!(matches!(observation, Observation::Complete(items) if items.len() == total));
    }

    #[test]
    fn not_found_is_empty_on_the_first_page_only() {
        let mut gathering = Gathering::default();
        assert_eq!(gathering.add_not_found(), Observation::Empty);
        let _ = gathering.add(page(45, 0..20));
        assert_eq!(gathering.add_not_found(), Observation::Incomplete(Incompleteness::EmptyPage { page: 2 }));
    }
}
