// Calls what openapi-typescript and openapi-fetch make of /openapi.json. It
// compiles only where the document says enough.
import createClient from 'openapi-fetch'
import type { components, paths } from './api.js'

declare const process: { argv: string[] }
const api = createClient<paths>({ baseUrl: process.argv[2] })

const gene = await api.GET('/lookup/id/{id}', {
  params: { path: { id: 'ENSG00000157764' }, query: { expand: 1, format: 'full' } }
})
console.log('gene', gene.response.status, gene.response.headers.get('content-type'))

const protein = await api.GET('/sequence/id/{id}', {
  params: { path: { id: 'ENST00000288602' }, query: { type: 'protein' } },
  headers: { Accept: 'text/x-fasta' },
  parseAs: 'text'
})
console.log('protein', protein.data?.split('\n')[0])

const batch = await api.POST('/lookup/id', { body: { ids: ['ENSG00000157764', 'ENSG00000000000'] } })
console.log('batch', Object.keys(batch.data ?? {}).join(' '))

const features = await api.GET('/overlap/region/{species}/{region}', {
  params: { path: { species: 'human', region: '7:41000-57000' }, query: { feature: ['gene', 'transcript'] } }
})
console.log('features', Array.isArray(features.data) && features.data.length)

const species = await api.GET('/info/species', { params: { query: { division: 'EnsemblVertebrates' } } })
console.log('species', species.response.status)

const failed = await api.GET('/lookup/id/{id}', { params: { path: { id: 'ENSG00000000000' } } })
const failure: components['schemas']['Error'] | undefined = failed.error
console.log('error', failed.response.status, failure?.error)

// What the document does not allow does not compile.
export function refused () {
  // @ts-expect-error: no such path
  api.GET('/lookup/ident/{id}', { params: { path: { id: 'x' } } })
  // @ts-expect-error: a path parameter is left out
  api.GET('/lookup/id/{id}', { params: { path: {} } })
  // @ts-expect-error: no such value
  api.GET('/lookup/id/{id}', { params: { path: { id: 'x' }, query: { format: 'short' } } })
  // @ts-expect-error: POST without its body
  api.POST('/lookup/id', {})
}
