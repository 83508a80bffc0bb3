package origin

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
)

type obj = map[string]any

// OpenAPI makes the OpenAPI 3.1 document of a valid catalogue. An endpoint's aliases
// are paths of their own, each with the parameters that it has. modules are those
// that state the catalogue: they know what their answers look like.
func OpenAPI(c *apispec.Catalogue, modules []ensembl.Module) ([]byte, error) {
	types := schemas{named: obj{"Error": obj{"type": "object", "required": []string{"error"},
		"properties": obj{"error": obj{"type": "string"}}}}}
	answers := map[string]obj{}
	for _, m := range modules {
		for _, e := range m.Endpoints {
			if e.Answer != nil {
				answers[e.Spec.ID] = types.answer(e.Answer)
			}
		}
	}
	paths := obj{}
	tags, groups := []obj{}, []string{}
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		if !slices.Contains(groups, e.Group) && e.Group != "" {
			groups = append(groups, e.Group)
			tags = append(tags, obj{"name": e.Group})
		}
		for n, path := range append([]string{e.Path}, e.Aliases...) {
			if apispec.PassesOver(path) {
				continue // OpenAPI has no such paths
			}
			id := e.ID
			if n > 0 {
				id += "_" + strconv.Itoa(n)
			}
			item, _ := paths[path].(obj)
			if item == nil {
				item = obj{}
				paths[path] = item
			}
			item[strings.ToLower(e.Method)] = operation(e, path, id, answers[e.ID])
		}
	}
	info := obj{"title": c.Title, "version": c.Version}
	if c.Release != "" {
		info["summary"] = "Ensembl release " + c.Release
	}
	return json.Marshal(obj{
		"openapi": "3.1.0",
		"info":    info,
		"servers": []obj{{"url": "/"}},
		"tags":    tags,
		"paths":   paths,
		"components": obj{
			"schemas": types.named,
			"responses": obj{"Error": obj{"description": "What was wrong with the request.",
				"content": obj{apispec.JSON: obj{"schema": obj{"$ref": "#/components/schemas/Error"}}}}},
			"headers": obj{
				"Ensembl-Release": obj{"description": "Release of the data.", "schema": obj{"type": "string"}},
				"ETag":            obj{"description": "Strong validator of this answer.", "schema": obj{"type": "string"}},
				"Cache-Control":   obj{"description": "How long this answer holds.", "schema": obj{"type": "string"}},
			},
		},
	})
}

// operation describes an endpoint at one of its paths; answer is the schema of its
// answers in JSON, nil where that says nothing.
func operation(e *apispec.Endpoint, path, id string, answer obj) obj {
	params := []obj{}
	for i := range e.Params {
		p := &e.Params[i]
		if p.In == apispec.InPath && !strings.Contains(path+"/", "{"+p.Name+"}/") {
			continue
		}
		params = append(params, parameter(p))
	}
	if len(e.Formats) > 1 && e.Method == "GET" {
		params = append(params, obj{"name": "content-type", "in": "query",
			"description": "Media type of the answer, where the request's header cannot say it.",
			"schema":      obj{"type": "string", "enum": e.Formats, "default": e.Formats[0]}})
	}
	if e.Offers(apispec.JSONP) {
		params = append(params, obj{"name": "callback", "in": "query", "description": "Function to call in a JSONP answer.",
			"schema": obj{"type": "string"}})
	}
	content := obj{}
	for _, f := range e.Formats {
		schema := obj{"type": "string"}
		if f == apispec.JSON {
			schema = answer
			if schema == nil {
				schema = obj{}
			}
		}
		content[f] = obj{"schema": schema}
	}
	failure := obj{"$ref": "#/components/responses/Error"}
	op := obj{
		"operationId": id,
		"summary":     e.Summary,
		"parameters":  params,
		"responses": obj{
			"200": obj{"description": "The answer.", "content": content, "headers": obj{
				"Ensembl-Release": obj{"$ref": "#/components/headers/Ensembl-Release"},
				"ETag":            obj{"$ref": "#/components/headers/ETag"},
				"Cache-Control":   obj{"$ref": "#/components/headers/Cache-Control"}}},
			"400": failure, "404": failure, "default": failure,
		},
		"x-freshness": e.Freshness,
	}
	if e.Group != "" {
		op["tags"] = []string{e.Group}
	}
	if e.Description != "" {
		op["description"] = e.Description
	}
	if len(e.Examples) > 0 {
		op["x-examples"] = e.Examples
	}
	if e.Body != nil {
		op["requestBody"] = requestBody(e)
	}
	return op
}

func parameter(p *apispec.Param) obj {
	schema := valueSchema(p)
	o := obj{"name": p.Name, "in": string(p.In), "required": p.Required || p.In == apispec.InPath, "schema": schema}
	if p.Description != "" {
		o["description"] = p.Description
	}
	if len(p.Aliases) > 0 {
		o["x-aliases"] = p.Aliases
	}
	if len(p.Examples) > 0 {
		examples := obj{}
		for i, v := range p.Examples {
			examples[strconv.Itoa(i+1)] = obj{"value": v}
		}
		o["examples"] = examples
	}
	if p.Repeated {
		o["schema"] = obj{"type": "array", "items": schema}
		o["explode"] = true
	}
	return o
}

func valueSchema(p *apispec.Param) obj {
	s := obj{}
	switch p.Type {
	case apispec.Integer:
		s["type"] = "integer"
	case apispec.Float:
		s["type"] = "number"
	case apispec.Boolean: // 0 and 1, in the API's own terms
		s["type"], s["enum"] = "integer", []int{0, 1}
	default:
		s["type"] = "string"
	}
	if len(p.Allowed) > 0 {
		s["enum"] = p.Allowed
	}
	if p.Default != "" {
		s["default"] = p.Default
		if n, err := strconv.ParseFloat(p.Default, 64); err == nil && s["type"] != "string" {
			s["default"] = n
		}
	}
	return s
}

func requestBody(e *apispec.Endpoint) obj {
	properties, required := obj{}, []string{}
	for i := range e.Body.Fields {
		f := &e.Body.Fields[i]
		schema := valueSchema(f)
		if f.Repeated || f.Name == e.Body.ListOf {
			schema = obj{"type": "array", "items": schema}
			if f.Name == e.Body.ListOf && e.Body.MaxItems > 0 {
				schema["maxItems"] = e.Body.MaxItems
			}
		}
		if f.Description != "" {
			schema["description"] = f.Description
		}
		if f.Required {
			required = append(required, f.Name)
		}
		properties[f.Name] = schema
	}
	schema := obj{"type": "object", "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	media := obj{"schema": schema}
	for _, x := range e.Examples {
		if x.Body != "" && json.Valid([]byte(x.Body)) {
			media["example"] = json.RawMessage(x.Body)
			break
		}
	}
	return obj{"required": true, "content": obj{apispec.JSON: media}}
}
