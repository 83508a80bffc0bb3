package sample

import "fmt"

// people adds two populations, one of them of individuals.
func (v *variations) people() {
	v.add("population", "name", "SAMPLE:all", "description", "Everyone")
	some := v.add("population", "name", "1000GENOMES:phase_3:ASW", "size", 2, "description", "Made-up people", "display", "LD")
	outbred := v.add("individual_type", "name", "outbred")
	for i, gender := range []string{"Female", "Male"} {
		name := fmt.Sprintf("SAMPLE:%d", i+1)
		id := v.add("individual", "name", name, "gender", gender, "individual_type_id", outbred)
		v.add("sample_population", "sample_id", v.add("sample", "individual_id", id, "name", name), "population_id", some)
	}
}
