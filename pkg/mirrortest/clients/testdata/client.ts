// Calls what openapi-typescript and openapi-fetch make of /openapi.json. It
// compiles only where the document says enough.
import createClient from 'openapi-fetch'
import type { components, paths } from './api.js'

declare const process: { argv: string[] }
const api = createClient<paths, 'application/json'>({ baseUrl: process.argv[2] })

const gene = await api.GET('/lookup/id/{id}', {
  params: { path: { id: 'ENSG00000157764' }, query: { expand: 1, format: 'full' } }
})
console.log('gene', gene.data?.display_name, gene.data?.start, gene.data?.Transcript?.map(t => t.id).sort()[0])

const protein = await api.GET('/sequence/id/{id}', {
  params: { path: { id: 'ENST00000288602' }, query: { type: 'protein' } },
  headers: { Accept: 'text/x-fasta' },
  parseAs: 'text'
})
console.log('protein', protein.data?.split('\n')[0])

const batch = await api.POST('/lookup/id', { body: { ids: ['ENSG00000157764', 'ENSG00000000000'] } })
console.log('batch', batch.data?.ENSG00000157764?.biotype, batch.data?.ENSG00000000000)

const features = await api.GET('/overlap/region/{species}/{region}', {
  params: { path: { species: 'human', region: '7:41000-57000' }, query: { feature: ['gene', 'transcript'] } }
})
console.log('features', features.data?.map(f => f.feature_type).join(' '))

const term = await api.GET('/ontology/id/{id}', { params: { path: { id: 'SO:0000704' } } })
console.log('term', term.data?.name, term.data?.parents?.length)

const history = await api.POST('/archive/id', { body: { id: ['ENSG00000157764'] } })
console.log('history', history.data?.[0].latest)

const species = await api.GET('/info/species', { params: { query: { division: 'EnsemblVertebrates' } } })
console.log('species', species.response.status)

const failed = await api.GET('/lookup/id/{id}', { params: { path: { id: 'ENSG00000000000' } } })
const failure: components['schemas']['Error'] | undefined = failed.error
console.log('error', failed.response.status, failure?.error)

// What the document does not allow does not compile.
export function refused () {
  // @ts-expect-error: a field that no answer has
  gene.data?.name
  // @ts-expect-error: no such path
  api.GET('/lookup/ident/{id}', { params: { path: { id: 'x' } } })
  // @ts-expect-error: a path parameter is left out
  api.GET('/lookup/id/{id}', { params: { path: {} } })
  // @ts-expect-error: no such value
  api.GET('/lookup/id/{id}', { params: { path: { id: 'x' }, query: { format: 'short' } } })
  // @ts-expect-error: POST without its body
  api.POST('/lookup/id', {})
}
