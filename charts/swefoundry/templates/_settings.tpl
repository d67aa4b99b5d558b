{{/* The operator's environment, .shard is its number: one variable for each setting of operator/swefoundry/settings.py that has a value here. */}}
{{- define "swefoundry.settings" -}}
- name: SWEFOUNDRY_NAMESPACES
  value: {{ include "swefoundry.namespaces" . | fromJsonArray | join "," | quote }}
- name: SWEFOUNDRY_REGISTRY_PUSH
  value: {{ include "swefoundry.push" . | quote }}
- name: SWEFOUNDRY_REGISTRY_PULL
  value: {{ include "swefoundry.pull" . | quote }}
- name: SWEFOUNDRY_REGISTRY_INSECURE
  value: {{ or .Values.registry.insecure .Values.registry.embedded.enabled | quote }}
- name: SWEFOUNDRY_REGISTRY_PREFIX
  value: {{ .Values.registry.prefix | quote }}
{{- if .Values.registry.secret }}
- name: SWEFOUNDRY_REGISTRY_SECRET
  value: {{ .Values.registry.secret | quote }}
- name: SWEFOUNDRY_REGISTRY_AUTH_FILE
  value: /var/run/swefoundry/registry/config.json
{{- end }}
- name: SWEFOUNDRY_OPERATOR_IMAGE
  value: {{ include "swefoundry.image" (list . .Values.image) | quote }}
- name: SWEFOUNDRY_BUILDER_IMAGE
  value: {{ include "swefoundry.image" (list . .Values.builderImage) | quote }}
- name: SWEFOUNDRY_SERVICE_ACCOUNT
  value: {{ include "swefoundry.taskServiceAccount" . | quote }}
{{- with .Values.maxActive }}
- name: SWEFOUNDRY_MAX_ACTIVE_INTAKE
  value: {{ .intake | quote }}
- name: SWEFOUNDRY_MAX_ACTIVE_BUILD
  value: {{ .build | quote }}
- name: SWEFOUNDRY_MAX_ACTIVE_EVALUATION
  value: {{ .evaluation | quote }}
- name: SWEFOUNDRY_MAX_ACTIVE_AGENT
  value: {{ .agent | quote }}
{{- if .total }}
- name: SWEFOUNDRY_MAX_ACTIVE_TOTAL
  value: {{ .total | quote }}
{{- end }}
{{- end }}
- name: SWEFOUNDRY_MAX_UNPLACED
  value: {{ .Values.maxUnplaced | quote }}
{{- with .Values.namespaceWeights }}
- name: SWEFOUNDRY_NAMESPACE_WEIGHTS
  value: {{ toJson . | quote }}
{{- end }}
{{- with .Values.podTemplate }}
- name: SWEFOUNDRY_POD_TEMPLATE
  value: {{ toJson . | quote }}
{{- end }}
{{- with .Values.namespacePodTemplates }}
- name: SWEFOUNDRY_NAMESPACE_POD_TEMPLATES
  value: {{ toJson . | quote }}
{{- end }}
- name: SWEFOUNDRY_INSTANCE_POD_FIELDS
  value: {{ join "," .Values.instancePodFields | quote }}
- name: SWEFOUNDRY_STRATEGIES
  value: {{ join "," .Values.strategies | quote }}
{{- with .Values.agents }}
{{- with .models }}
- name: SWEFOUNDRY_MODELS
  value: {{ toJson . | quote }}
{{- end }}
{{- if .secret }}
- name: SWEFOUNDRY_LLM_SECRET
  value: {{ .secret | quote }}
- name: SWEFOUNDRY_LLM_SECRET_KEY
  value: {{ .secretKey | quote }}
{{- end }}
- name: SWEFOUNDRY_AGENT_SECONDS
  value: {{ .timeoutSeconds | quote }}
- name: SWEFOUNDRY_AGENT_MEMORY
  value: {{ .memory | quote }}
- name: SWEFOUNDRY_AGENT_STORAGE
  value: {{ .storage | quote }}
{{- with .env }}
- name: SWEFOUNDRY_AGENT_ENV
  value: {{ toJson . | quote }}
{{- end }}
{{- range $whose, $budget := .budgets }}
{{- range $what, $limit := $budget }}
{{- if not (kindIs "invalid" $limit) }}
- name: SWEFOUNDRY_{{ upper $whose }}_LLM_{{ upper $what }}
  # helm reads numbers as floats, and would write a million as 1e+06
  value: {{ if eq $what "tokens" }}{{ int64 $limit | quote }}{{ else }}{{ printf "%f" (float64 $limit) | quote }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.build }}
- name: SWEFOUNDRY_BUILD_CPU
  value: {{ .cpu | quote }}
- name: SWEFOUNDRY_BUILD_MEMORY
  value: {{ .memory | quote }}
- name: SWEFOUNDRY_BUILD_STORAGE
  value: {{ .storage | quote }}
- name: SWEFOUNDRY_BUILD_SECONDS
  value: {{ .timeoutSeconds | quote }}
{{- with .baseImages }}
- name: SWEFOUNDRY_BASE_IMAGES
  value: {{ toJson . | quote }}
{{- end }}
{{- with .allowedBases }}
- name: SWEFOUNDRY_ALLOWED_BASES
  value: {{ join "," . | quote }}
{{- end }}
{{- with .args }}
- name: SWEFOUNDRY_BUILD_ARGS
  value: {{ toJson . | quote }}
{{- end }}
{{- with .mirrors }}
- name: SWEFOUNDRY_BUILD_MIRRORS
  value: {{ toJson . | quote }}
{{- end }}
{{- with .hosts }}
- name: SWEFOUNDRY_BUILD_HOSTS
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- with .Values.gitMirrors }}
- name: SWEFOUNDRY_GIT_MIRRORS
  value: {{ toJson . | quote }}
{{- end }}
{{- with .Values.caConfigMap }}
- name: SWEFOUNDRY_CA_CONFIG_MAP
  value: {{ . | quote }}
- name: SSL_CERT_FILE
  value: /var/run/swefoundry/ca/ca.crt
{{- end }}
{{- with .Values.evaluation }}
{{- with .canary }}
- name: SWEFOUNDRY_CANARY
  value: {{ join "," . | quote }}
{{- end }}
- name: SWEFOUNDRY_REQUIRE_ISOLATION
  value: {{ .requireIsolation | quote }}
{{- with .runtimeClass }}
- name: SWEFOUNDRY_RUNTIME_CLASS
  value: {{ . | quote }}
{{- end }}
{{- end }}
- name: SWEFOUNDRY_TASK_USER_NAMESPACES
  value: {{ .Values.userNamespaces | quote }}
{{- if include "swefoundry.sharded" . }}
- name: SWEFOUNDRY_SHARDS
  value: {{ .Values.sharding.count | quote }}
- name: SWEFOUNDRY_SHARD
  value: {{ .shard | quote }}
{{- end }}
{{- if include "swefoundry.elects" . }}
- name: SWEFOUNDRY_LEASE
  value: {{ printf "%s/%s" .Release.Namespace (include "swefoundry.lease" .) | quote }}
- name: SWEFOUNDRY_POD_UID
  valueFrom:
    fieldRef: {fieldPath: metadata.uid}
{{- end }}
- name: SWEFOUNDRY_HEALTH_PORT
  value: {{ .Values.health.port | quote }}
- name: SWEFOUNDRY_METRICS_PORT
  value: {{ .Values.metrics.port | quote }}
- name: SWEFOUNDRY_LOG_LEVEL
  value: {{ .Values.logLevel | quote }}
- name: SWEFOUNDRY_LOG_FORMAT
  value: {{ .Values.logFormat | quote }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
