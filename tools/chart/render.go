// Renders a Helm chart without Helm, to check it: Go's own templates with the functions that Helm
// gives them (sprig, include, required, toYaml). What Helm adds beside them, as hooks and the
// cluster's answers, the chart does not use.
//
// usage: GO111MODULE=off go run tools/chart/render.go CHART RELEASE [VALUES.yaml...]
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

func main() {
	if len(os.Args) < 3 {
		stop(fmt.Errorf("usage: render.go CHART RELEASE [VALUES.yaml...]"))
	}
	chart, release := os.Args[1], os.Args[2]
	about, values := read(filepath.Join(chart, "Chart.yaml")), read(filepath.Join(chart, "values.yaml"))
	for _, file := range os.Args[3:] {
		merge(values, read(file))
	}
	names, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	stop(err)
	all := template.New("chart").Option("missingkey=error")
	all.Funcs(functions(all))
	for _, name := range names {
		text, err := os.ReadFile(name)
		stop(err)
		_, err = all.New("chart/templates/" + filepath.Base(name)).Parse(string(text))
		stop(err)
	}
	upper := object{}
	for key, value := range about { // Helm shows Chart.yaml with capitals
		upper[strings.ToUpper(key[:1])+key[1:]] = value
	}
	for _, name := range names {
		base := filepath.Base(name)
		if strings.HasPrefix(base, "_") || base == "NOTES.txt" && len(os.Getenv("NOTES")) == 0 {
			continue
		}
		var out bytes.Buffer
		stop(all.ExecuteTemplate(&out, "chart/templates/"+base, object{
			"Values":   values,
			"Chart":    upper,
			"Release":  object{"Name": release, "Namespace": "default", "Service": "Helm"},
			"Template": object{"Name": "chart/templates/" + base, "BasePath": "chart/templates"},
		}))
		fmt.Printf("---\n# Source: %s\n%s\n", base, out.String())
	}
}

func functions(all *template.Template) template.FuncMap {
	found := sprig.TxtFuncMap()
	delete(found, "env")
	found["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	found["required"] = func(words string, value interface{}) (interface{}, error) {
		if list, is := value.([]interface{}); value == nil || value == "" || is && len(list) == 0 {
			return nil, fmt.Errorf("%s", words)
		}
		return value, nil
	}
	found["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	return found
}

func read(file string) object {
	text, err := os.ReadFile(file)
	stop(err)
	found := object{}
	stop(yaml.Unmarshal(text, &found))
	return found
}

func merge(into, more object) {
	for key, value := range more {
		inner, isObject := value.(object)
		outer, was := into[key].(object)
		if isObject && was {
			merge(outer, inner)
		} else {
			into[key] = value
		}
	}
}

func stop(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
