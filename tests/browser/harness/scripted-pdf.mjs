// A PDF that shows one page, and has a script wherever the format lets one stand (ISO 32000-1, 12.6 and 12.7; XFA 3.3).

/** What the page says. */
export const WORDS = 'Facture 2026-118 : 640 euros';
/** Where the field draws a black bar, of the page's width and height, before any script ran. */
export const BAR = { x: 0.5, y: 0.5 };

const hex = (text) => `<${Buffer.from(text, 'latin1').toString('hex')}>`;

/** What each script tries, as a reader with scripts would let it, or as a page would. */
function attempts(place, canary) {
  const tries = [
    `app.alert('${place}')`,
    `app.launchURL('${canary}/launched-${place}', true)`,
    `this.submitForm({ cURL: '${canary}/submitted-${place}' })`,
    `this.getField('montant').display = display.hidden`,
    `globalThis.ran = (globalThis.ran ?? '') + '${place} '`,
    `document.getElementById('pages').textContent = 'changed by ${place}'`,
    `fetch('${canary}/fetched-${place}')`,
    `new Image().src = '${canary}/drawn-${place}'`,
    `alert('${place}')`,
    `open('${canary}/opened-${place}')`,
    `parent.postMessage({ sceau: 'shown', sha256: '${'0'.repeat(64)}', pages: 1 }, '*')`,
  ];
  return tries.map((line) => `try { ${line}; } catch {}`).join('\n');
}

/**
 * @param {string} canary an origin that nobody may call
 * @returns {Buffer}
 */
export function scriptedPdf(canary) {
  const script = (place) => `<< /S /JavaScript /JS ${hex(attempts(place, canary))} >>`;
  const stream = (text, more = '') => `<< ${more} /Length ${Buffer.byteLength(text, 'latin1')} >>\nstream\n${text}\nendstream`;
  const xfa = `<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><template xmlns="http://www.xfa.org/schema/xfa-template/3.3/"><subform name="f" layout="tb">
    <pageSet><pageArea><contentArea w="595pt" h="842pt"/><medium long="842pt" short="595pt"/></pageArea></pageSet>
    <field name="a" w="300pt" h="20pt"><value><text>changed by xfa</text></value></field>
    <event activity="initialize"><script contentType="application/x-javascript">${attempts('xfa', canary).replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</script></event>
    </subform></template></xdp:xdp>`;
  const objects = [
    `<< /Type /Catalog /Pages 2 0 R /OpenAction ${script('open')} /AA << /WC ${script('close')} /DP ${script('print')} >>
      /Names << /JavaScript << /Names [(first) ${script('name')}] >> >> /AcroForm << /Fields [6 0 R] /XFA 8 0 R /CO [6 0 R] >> >>`,
    '<< /Type /Pages /Count 1 /Kids [4 0 R] >>',
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >>
      /AA << /O ${script('page')} /C ${script('leave')} >> /Annots [6 0 R 9 0 R 10 0 R] >>`,
    stream(`BT /F1 24 Tf 60 740 Td (${WORDS}) Tj ET`),
    `<< /Type /Annot /Subtype /Widget /FT /Tx /T (montant) /V (640) /F 4 /Rect [200 400 400 440] /P 4 0 R /AP << /N 7 0 R >>
      /A ${script('field')} /AA << /E ${script('enter')} /D ${script('down')} /Fo ${script('focus')} /K ${script('key')} /V ${script('value')} /C ${script('sum')} >> >>`,
    stream('0 0 0 rg 0 0 200 40 re f', '/Type /XObject /Subtype /Form /BBox [0 0 200 40]'),
    stream(xfa),
    `<< /Type /Annot /Subtype /Link /F 4 /Rect [0 0 595 399] /P 4 0 R /A << /S /URI /URI (${canary}/followed) >> >>`,
    `<< /Type /Annot /Subtype /Link /F 4 /Rect [0 441 595 842] /P 4 0 R /A ${script('link')} >>`,
  ];
  let out = '%PDF-1.7\n';
  const at = objects.map((object, index) => {
    const offset = Buffer.byteLength(out, 'latin1');
    out += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = Buffer.byteLength(out, 'latin1');
  const entries = at.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  out += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries}`;
  out += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`;
  return Buffer.from(out, 'latin1');
}
