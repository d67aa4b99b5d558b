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

{{/* Not empty where several operators share the work. */}}
{{- define "swefoundry.sharded" -}}
{{- if gt (int .Values.sharding.count) 1 -}}yes{{- end -}}
{{- end -}}

{{/* Name of the operator's Deployment; .shard is its number. */}}
{{- define "swefoundry.operator" -}}
{{- include "swefoundry.fullname" . -}}
{{- if include "swefoundry.sharded" . -}}-shard-{{ .shard }}{{- end -}}
{{- end -}}

{{/* What the operator's pods have besides the labels of all objects; .shard is its number. */}}
{{- define "swefoundry.operatorLabels" -}}
app.kubernetes.io/component: operator
{{- if include "swefoundry.sharded" . }}
swefoundry.dev/shard: {{ .shard | quote }}
{{- end }}
{{- end -}}

{{/*
Refuse more shards than places, and another number of shards while operators run: two would be responsible for the same
objects.
*/}}
{{- define "swefoundry.checkShards" -}}
{{- $count := int .Values.sharding.count -}}
{{- $limits := merge (dict "maxUnplaced" .Values.maxUnplaced) dict -}}
{{- range $class, $limit := .Values.maxActive -}}
{{- if $limit }}{{ $_ := set $limits (printf "maxActive.%s" $class) $limit }}{{ end -}}
{{- end -}}
{{- range $name, $limit := $limits -}}
{{- if lt (int $limit) $count -}}
{{- fail (printf "%s: %d is less than sharding.count (%d): each shard gets its part, so raise it" $name (int $limit) $count) -}}
{{- end -}}
{{- end -}}
{{- range (lookup "apps/v1" "Deployment" .Release.Namespace "").items -}}
{{- $labels := .metadata.labels | default dict -}}
{{- $ours := eq (get $labels "app.kubernetes.io/instance" | toString) $.Release.Name -}}
{{- $operator := eq (get $labels "app.kubernetes.io/component" | toString) "operator" -}}
{{- if and $ours $operator (gt (int .status.replicas) 0) -}}
{{- $shards := "1" -}}
{{- range (first .spec.template.spec.containers).env -}}
{{- if eq .name "SWEFOUNDRY_SHARDS" }}{{ $shards = .value }}{{ end -}}
{{- end -}}
{{- if ne $shards (toString $count) -}}
{{- fail (printf "sharding.count: %s is installed. Two numbers of shards may not run at the same time: first `kubectl scale deploy -n %s -l app.kubernetes.io/instance=%s,app.kubernetes.io/component=operator --replicas 0`, and wait until the pods are gone" $shards $.Release.Namespace $.Release.Name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Not empty where a Lease elects one of several operators, or keeps an old one of a shard apart from a new one. */}}
{{- define "swefoundry.elects" -}}
{{- if or (gt (int .Values.replicas) 1) (include "swefoundry.sharded" .) -}}yes{{- end -}}
{{- end -}}

{{/*
Not empty where old pods may run beside new ones: there is a Lease, and the pods that are installed know it. Where no
cluster is asked (helm template), they are taken to know it.
*/}}
{{- define "swefoundry.rolls" -}}
{{- $installed := lookup "apps/v1" "Deployment" .Release.Namespace (include "swefoundry.operator" .) -}}
{{- if and (include "swefoundry.elects" .) (or (not $installed) (contains "SWEFOUNDRY_LEASE" (toJson $installed))) -}}yes{{- end -}}
{{- end -}}

{{/* The Lease of the operator's leader election; .shard is its number. */}}
{{- define "swefoundry.lease" -}}
{{- printf "%s-leader" (include "swefoundry.operator" .) -}}
{{- end -}}

{{/* The Leases of all shards. */}}
{{- define "swefoundry.leases" -}}
{{- range $shard := until (int .Values.sharding.count) -}}
{{- if $shard }}, {{ end }}{{ include "swefoundry.lease" (merge (dict "shard" $shard) $) }}
{{- end -}}
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
