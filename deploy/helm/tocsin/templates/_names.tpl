{{- define "tocsin.name" -}}
{{- printf "%s-tocsin" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "tocsin.selector" -}}
app.kubernetes.io/name: tocsin
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tocsin.labels" -}}
{{ include "tocsin.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "tocsin.image" -}}
{{- required "image.repository: name the image, see docs/howto/container.md" .Values.image.repository -}}
:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "tocsin.scheme" -}}
{{- if index .Values.settings "TOCSIN_TLS_CERT" }}HTTPS{{ else }}HTTP{{ end -}}
{{- end -}}
