//! Purchase metadata of a mobility service, and the invoice that becomes of it: a plain PDF of one page (ISO 32000-1). Pure.

use serde::{Deserialize, Serialize};

use super::fields::{bounded, json, wrong};
use super::refusal::{Answer, Code};

/// The most invoices of one subscription: as many as it may have files.
const MOST: usize = 10;
/// The most products of an invoice: what fits on its page.
const MOST_PRODUCTS: usize = 20;

/// What a mobility service sends (`POST /v1/subscriptions/metadata`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    /// For which incentive.
    pub(super) incentive_id: String,
    /// What was bought.
    pub(super) attachment_metadata: Invoices,
}

/// What was bought.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invoices {
    /// One for each purchase.
    pub(super) invoices: Vec<Invoice>,
    /// How many.
    pub(super) total_elements: u32,
}

/// One purchase.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Invoice {
    enterprise: Enterprise,
    customer: Customer,
    transaction: Transaction,
    products: Vec<Product>,
}

/// Shows nobody.
impl std::fmt::Debug for Invoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Invoice")
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Enterprise {
    enterprise_name: String,
    siret_number: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Customer {
    customer_id: String,
    customer_name: String,
    customer_surname: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    order_id: String,
    purchase_date: String,
    amount_incl_taxes: u64,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    product_name: String,
    quantity: u32,
    amount_incl_taxes: u64,
}

impl Metadata {
    /// Parses and judges what was sent.
    ///
    /// # Errors
    /// Not JSON, a field that is missing, no invoice or no product, a count that is not theirs.
    pub(super) fn parse(bytes: &[u8]) -> Answer<Self> {
        let metadata: Self = json(bytes)?;
        let Invoices { invoices, total_elements } = &metadata.attachment_metadata;
        let whole = |invoice: &Invoice| (1..=MOST_PRODUCTS).contains(&invoice.products.len());
        if !(1..=MOST).contains(&invoices.len()) || !invoices.iter().all(whole) {
            return Err(Code::Invoices.into());
        }
        if invoices.len() != *total_elements as usize {
            return Err(Code::InvoiceCount.into());
        }
        invoices.iter().try_for_each(Invoice::check)?;
        Ok(metadata)
    }
}

impl Invoice {
    fn check(&self) -> Answer<()> {
        let Self { enterprise, customer, transaction, products } = self;
        let texts = [
            &enterprise.enterprise_name,
            &enterprise.siret_number,
            &customer.customer_id,
            &customer.customer_name,
            &customer.customer_surname,
            &transaction.order_id,
            &transaction.purchase_date,
        ];
        texts
            .into_iter()
            .chain(products.iter().map(|it| &it.product_name))
            .try_for_each(|text| bounded("invoice", text, 60))?;
        let day = transaction.purchase_date.get(..10).unwrap_or_default();
        let form = time::macros::format_description!("[year]-[month]-[day]");
        if time::Date::parse(day, form).is_err() {
            return Err(wrong("purchaseDate", "a date, YYYY-MM-DD…"));
        }
        Ok(())
    }

    /// `03-03-2021_Forfait_Navigo_Mois_Bob_RASOVSKY.pdf`.
    pub(super) fn file_name(&self) -> String {
        let product = self.products.first().map(|product| product.product_name.as_str()).unwrap_or_default();
        let name = format!(
            "{}_{product}_{}_{}.pdf",
            self.day(),
            self.customer.customer_surname,
            self.customer.customer_name
        );
        name.replace(' ', "_").replace(['/', '\\'], "-")
    }

    /// `2021-03-03…` as `03-03-2021`.
    fn day(&self) -> String {
        let day = self.transaction.purchase_date.get(..10).unwrap_or_default();
        day.split('-').rev().collect::<Vec<_>>().join("-")
    }

    /// The page.
    pub(super) fn pdf(&self) -> Vec<u8> {
        let Self { enterprise, customer, transaction, products } = self;
        let mut lines = vec![
            format!("Facture {}", transaction.order_id),
            String::new(),
            format!("{}, SIRET {}", enterprise.enterprise_name, enterprise.siret_number),
            format!(
                "Client : {} {} ({})",
                customer.customer_surname, customer.customer_name, customer.customer_id
            ),
            format!("Date d'achat : {}", self.day().replace('-', "/")),
            String::new(),
        ];
        lines.extend(products.iter().map(|product| {
            format!(
                "{} x {} : {} EUR",
                product.quantity,
                product.product_name,
                euros(product.amount_incl_taxes)
            )
        }));
        lines.push(String::new());
        lines.push(format!("Total TTC : {} EUR", euros(transaction.amount_incl_taxes)));
        page(&lines)
    }
}

/// Cents as euros.
fn euros(cents: u64) -> String {
    format!("{},{:02}", cents / 100, cents % 100)
}

/// Lines of text on a page of A4, in Helvetica, which every reader has.
fn page(lines: &[String]) -> Vec<u8> {
    let mut content = b"BT /F1 12 Tf 16 TL 56 780 Td\n".to_vec();
    for line in lines {
        content.push(b'(');
        for c in line.chars() {
            // WinAnsiEncoding is Latin-1 where this has a code of it; what it has not is a question mark.
            let byte =
                u8::try_from(u32::from(c)).ok().filter(|byte| *byte >= 0x20 && !(0x7f..0xa0).contains(byte));
            let byte = byte.unwrap_or(b'?');
            if b"()\\".contains(&byte) {
                content.push(b'\\');
            }
            content.push(byte);
        }
        content.extend_from_slice(b") Tj T*\n");
    }
    content.extend_from_slice(b"ET");
    let objects: [Vec<u8>; 5] = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_vec(),
        [format!("<< /Length {} >>\nstream\n", content.len()).as_bytes(), &content, b"\nendstream"].concat(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    let mut pdf = b"%PDF-1.4\n".to_vec();
    let mut table = String::from("0000000000 65535 f \n");
    for (number, object) in (1..).zip(&objects) {
        table.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        pdf.extend_from_slice(object);
        pdf.extend_from_slice(b"\nendobj\n");
    }
    let start = pdf.len();
    let count = objects.len() + 1;
    let trailer = format!(
        "xref\n0 {count}\n{table}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    pdf.extend_from_slice(trailer.as_bytes());
    pdf
}
