// The calls of biojs-rest-ensembl that the origin serves, and one that it does not.
const rest = require('biojs-rest-ensembl')()
const host = process.argv[2]

const call = url => new Promise((resolve, reject) =>
  rest.call({ url: url.replace('rest.ensembl.org', host), success: resolve, error: reject }))

async function main () {
  const gene = await call(rest.url.gene({ id: 'ENSG00000157764' }))
  console.log('gene', gene.display_name, gene.seq_region_name)
  const region = await call(rest.url.region({ species: 'human', chr: gene.seq_region_name, from: gene.start, to: gene.end }))
  console.log('region', region.map(g => g.id).join(' '))
  const xrefs = await call(rest.url.xref({ species: 'human', name: 'BRAF' }))
  console.log('xref', xrefs.map(x => `${x.type} ${x.id}`).join(' '))
  const chr = await call(rest.url.chr_info({ species: 'homo_sapiens', chr: '7' }))
  console.log('chr', chr.coordinate_system, chr.length > 0)
  console.log('error', await call(rest.url.gene({ id: 'ENSG00000000000' })).catch(e => e))
  console.log('connections', rest.connections())
}

main().catch(e => { console.error(e); process.exit(1) })
