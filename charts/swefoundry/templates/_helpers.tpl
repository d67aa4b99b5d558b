{{/* Names, labels and values that several templates share. */}}

{{- define "swefoundry.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "swefoundry.selector" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "swefoundry.labels" -}}
{{ include "swefoundry.selector" . }}
app.kubernetes.io/part-of: swefoundry
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Task namespaces as a JSON list. */}}
{{- define "swefoundry.namespaces" -}}
{{- .Values.namespaces | default (list .Release.Namespace) | uniq | toJson -}}
{{- end -}}

{{- define "swefoundry.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "swefoundry.fullname" .) -}}
{{- end -}}

{{- define "swefoundry.taskServiceAccount" -}}
{{- printf "%s-task" (include "swefoundry.fullname" .) -}}
{{- end -}}

{{/* Not empty where there are several operators, of which a Lease elects one. */}}
{{- define "swefoundry.elects" -}}
{{- if gt (int .Values.replicas) 1 -}}yes{{- end -}}
{{- end -}}

{{/*
Not empty where old pods may run beside new ones: there is a Lease, and the pods that are installed know it. Where no
cluster is asked (helm template), they are taken to know it.
*/}}
{{- define "swefoundry.rolls" -}}
{{- $installed := lookup "apps/v1" "Deployment" .Release.Namespace (include "swefoundry.fullname" .) -}}
{{- if and (include "swefoundry.elects" .) (or (not $installed) (contains "SWEFOUNDRY_LEASE" (toJson $installed))) -}}yes{{- end -}}
{{- end -}}

{{/* The Lease of the operator's leader election. */}}
{{- define "swefoundry.lease" -}}
{{- printf "%s-leader" (include "swefoundry.fullname" .) -}}
{{- end -}}

{{/* Call with (list $ image). */}}
{{- define "swefoundry.image" -}}
{{- $root := index . 0 -}}{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "swefoundry.embeddedRegistry" -}}
{{- printf "%s-registry" (include "swefoundry.fullname" .) -}}
{{- end -}}

{{- define "swefoundry.scriptedModel" -}}
{{- printf "%s-scripted-model" (include "swefoundry.fullname" .) -}}
{{- end -}}

{{- define "swefoundry.push" -}}
{{- if .Values.registry.embedded.enabled -}}
{{- printf "%s.%s.svc:5000" (include "swefoundry.embeddedRegistry" .) .Release.Namespace -}}
{{- else -}}
{{- required "registry.push: which OCI registry may swefoundry write to? Set registry.push=host[:port], or registry.embedded.enabled=true for a trial" .Values.registry.push -}}
{{- end -}}
{{- end -}}

{{- define "swefoundry.pull" -}}
{{- if .Values.registry.embedded.enabled -}}
{{- printf "localhost:%v" .Values.registry.embedded.hostPort -}}
{{- else -}}
{{- .Values.registry.pull | default .Values.registry.push -}}
{{- end -}}
{{- end -}}

{{- define "swefoundry.registryPort" -}}
{{- $push := include "swefoundry.push" . -}}
{{- if regexMatch ":[0-9]+$" $push -}}
{{- regexFind "[0-9]+$" $push -}}
{{- else -}}
{{- ternary "80" "443" .Values.registry.insecure -}}
{{- end -}}
{{- end -}}

{{/* What every container of ours has. */}}
{{- define "swefoundry.lockedContainer" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "swefoundry.lockedPod" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile:
  type: RuntimeDefault
{{- end -}}
