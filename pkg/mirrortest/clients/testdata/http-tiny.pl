use strict;
use warnings;
use HTTP::Tiny;
use JSON;

my $http = HTTP::Tiny->new;
my $server = 'http://rest.ensembl.org';

sub get {
  my ($path, $type) = @_;
  my $response = $http->get($server . $path, { headers => { 'Content-type' => $type } });
  die "$path: $response->{status} $response->{reason}\n" unless $response->{success};
  return $response->{content};
}

my $gene = decode_json(get('/lookup/id/ENSG00000157764?expand=1', 'application/json'));
print "gene $gene->{canonical_transcript} ", scalar @{ $gene->{Transcript} }, "\n";

my $response = $http->request('POST', "$server/lookup/id", {
  headers => { 'Content-type' => 'application/json', 'Accept' => 'application/json' },
  content => encode_json({ ids => [ 'ENSG00000157764', 'ENSG00000000000' ] }),
});
die "POST: $response->{status}\n" unless $response->{success};
my $batch = decode_json($response->{content});
print "batch $batch->{ENSG00000157764}{display_name} ", $batch->{ENSG00000000000} // 'none', "\n";

print get('/sequence/id/ENST00000288602?type=protein', 'text/x-fasta');
print get('/overlap/region/human/7:41000-57000?feature=gene;feature=transcript', 'text/x-gff3');

my $failure = $http->get("$server/lookup/id/ENSG00000000000", { headers => { 'Content-type' => 'application/json' } });
print "error $failure->{status} ", decode_json($failure->{content})->{error}, "\n";
