"""What is broken beside the code: pages, templates, what is shipped, what is locked."""

from house_breaks import Break

_WALK = "test_architecture.py::test_every_place_that_a_walk_names_is_there"
WALKS = (
    Break(
        test=_WALK, file="ARCHITECTURE.md",
        add="\n`kernel/worker.py: Sleeper`\n", says="kernel/worker.py: Sleeper",
    ),
    Break(
        test=_WALK, file="CONTRIBUTING.md",
        add="\n`kernel/nowhere.py`\n", says="kernel/nowhere.py",
    ),
    Break(
        test=_WALK, file="docs/explanation/threat-model.md",
        add="\n`web/csrf.py: forgive`\n", says="web/csrf.py: forgive",
    ),
    Break(
        test="test_architecture.py::test_the_walks_name_places", file="ARCHITECTURE.md",
        instead_of=": ", add=":  ", says="> 20", alone=True,
    ),
)  # fmt: skip

COMMANDS = (
    Break(
        test="test_docs.py::test_every_command_that_a_page_shows_is_one",
        file="docs/howto/backup.md",
        add="\n```sh\ntocsin backpu now\n```\n",
        says="backpu",
    ),
    Break(
        test="test_docs.py::test_every_command_that_a_page_shows_is_one",
        file="README.md",
        add="\nSay `tocsin apply --purge`.\n",
        says="no option --purge",
    ),
    Break(
        test="test_docs.py::test_commands_are_found_in_the_pages_and_mistakes_in_the_commands",
        file="src/tocsin/cli/resources.py",
        instead_of='"--prune"',
        add='"--prune-all", "prune"',
        says="no option --prune",
        alone=True,
    ),
    Break(
        test="test_docs.py::test_every_setting_and_metric_that_a_page_names_exists",
        file="docs/howto/tls.md",
        add="\nSet `TOCSIN_TLS_CIPHERS`.\n",
        says="TOCSIN_TLS_CIPHERS",
    ),
    Break(
        test="test_docs.py::test_every_setting_and_metric_that_a_page_names_exists",
        file="docs/howto/monitoring.md",
        add="\nWatch `tocsin_yawns_total`.\n",
        says="tocsin_yawns_total",
    ),
)

LINKS = (
    Break(
        test="test_docs.py::test_every_link_to_a_heading_leads_to_one",
        file="docs/howto/routes.md",
        add="\n[there](services.md#nowhere-at-all)\n",
        says="services.md#nowhere-at-all",
    ),
    Break(
        test="test_tree.py::test_relative_links_in_the_docs_lead_to_a_file",
        file="docs/howto/support.md",
        add="\n[there](nowhere-at-all.md)\n",
        says="nowhere-at-all.md",
    ),
    Break(
        test="test_docs.py::test_every_page_is_on_the_first_page",
        file="docs/howto/lost.md",
        add="# Lost\n",
        says="howto/lost.md",
    ),
    Break(
        test="test_docs.py::test_every_page_is_in_the_navigation_once",
        file="docs/adr/0000-lost.md",
        add="# Lost\n",
        says="0000-lost.md",
    ),
)

FIGURES = (
    Break(
        test="test_docs.py::test_every_window_of_the_guarantees_is_as_long_as_the_page_says",
        file="src/tocsin/app/loops.py",
        instead_of="WATCHDOG_S = 30.0",
        add="WATCHDOG_S = 300.0",
        says="app.loops.WATCHDOG_S is 300.0",
    ),
    Break(
        test="test_docs.py::test_every_window_of_the_guarantees_is_as_long_as_the_page_says",
        file="docs/explanation/guarantees.md",
        instead_of="| 30 s | `app.loops.WATCHDOG_S` |",
        add="| some time | `app.loops.WATCHDOG_S` |",
        says="a row cannot be read",
        alone=True,
    ),
    Break(
        test="test_docs.py::test_the_figures_of_the_performance_page_are_those_that_were_measured",
        file="docs/proof/bench.jsonl",
        add='{"name": "yawn", "figures": {"p99_ms": {"value": 987.65}}}\n',
        says="yawn p99_ms 987.65",
    ),
)

EXAMPLES = (
    Break(
        test="test_examples.py::test_a_shown_resource_can_be_applied",
        file="docs/howto/services.md",
        add="\n```yaml\napiVersion: tocsin/v1\nkind: Service\nmetadata: {name: a}\n"
        "spec: {colour: red}\n```\n",
        says="colour",
    ),
    Break(
        test="test_examples.py::test_a_shown_resource_can_be_applied",
        file="examples/acme/people.yaml",
        add="---\napiVersion: tocsin/v1\nkind: Parson\nmetadata: {name: a}\nspec: {}\n",
        says="Parson",
    ),
)

REFERENCE = (
    Break(
        test="test_reference.py::test_a_reference_page_is_what_the_code_says",
        file="src/tocsin/kernel/settings.py",
        instead_of="    @property\n    def base_url",
        add='    yawns: Annotated[int, Meta(description="A day.")] = 3\n\n'
        "    @property\n    def base_url",
        says="settings.md",
    ),
    Break(
        test="test_reference.py::test_every_reference_page_is_a_generated_one",
        file="docs/reference/by-hand.md",
        add="# By hand\n",
        says="by-hand.md",
    ),
)

GLOSSARY = (
    Break(
        test="test_glossary.py::test_every_kind_of_resource_is_defined",
        file="src/tocsin/app/wiring.py",
        instead_of='    Kind(name="Route", ',
        add='    Kind(name="Yawn", spec=RouteSpec),\n    Kind(name="Route", ',
        says="[Yawn]",
    ),
    Break(
        test="test_glossary.py::test_every_group_of_commands_is_defined",
        file="src/tocsin/cli/main.py",
        add='\n\ncli.add_command(click.Group("doze"))\n',
        says="[doze]",
    ),
    Break(
        test="test_glossary.py::test_the_noun_of_every_event_and_permission_is_in_it",
        file="src/tocsin/signals/events.py",
        add='\n\nclass DozeEnded(Event, frozen=True, kw_only=True, tag="signals.doze_ended"):\n'
        "    def sentence(self, name: Names) -> str:\n"
        '        return "Over."\n',
        says="'doze'",
    ),
    Break(
        test="test_glossary.py::test_what_a_context_models_is_in_it",
        file="src/tocsin/oncall/model/feeds.py",  # a part of a package, that nobody imports
        add="\n\nclass Snore(Struct, frozen=True):\n    pass\n",
        says="'snore'",
    ),
    Break(
        test="test_glossary.py::test_every_state_and_role_is_in_it",
        file="src/tocsin/triage/model.py",
        instead_of='    ENDED = "ended"\n',
        add='    ENDED = "ended"\n    DOZING = "dozing"\n',
        says="'dozing'",
    ),
)

_INLINE = "test_templates.py::test_templates_hold_nothing_that_is_banned"
TEMPLATES = tuple(
    Break(test=_INLINE, file="src/tocsin/web/templates/error.html", add=f"\n{add}\n", says=says)
    for add, says in (
        ("<script>yawn()</script>", "inline script: the policy"),
        ("<style>b { color: red }</style>", "inline style sheet"),
        ('<b style="color: red">no</b>', "a style attribute hands over numbers"),
        ('<b style="--a:{{ a }};color: red">no</b>', "--a:{{ a }};color: red"),
        ('<b onclick="yawn()">no</b>', "an on… attribute"),
        ('<b hx-on:click="yawn()">no</b>', "hx-on needs eval"),
        ('<a href="javascript:yawn()">no</a>', "js: needs eval"),
        ('<img src="https://cdn.example.org/a.png">', "a foreign origin"),
        ('<b hx-ext="yawn">no</b>', "an htmx 2 attribute"),
        ('<b sse-swap="yawn">no</b>', "an htmx 2 extension's attribute"),
        ('<b data-when="htmx:afterSwap">no</b>', "an htmx 2 event name"),
    )
)

DEPLOY = (
    Break(
        test="test_deploy.py::test_every_setting_that_is_named_exists",
        file="deploy/container/Containerfile",
        add="\nENV TOCSIN_SNORES=3\n",
        says="TOCSIN_SNORES",
    ),
    Break(
        test="test_deploy.py::test_the_settings_of_the_unit_can_be_read",
        file="deploy/systemd/tocsin.env",
        instead_of="TOCSIN_PORT=8640",
        add="TOCSIN_PORT=tocsin",
        says="TOCSIN_PORT",
    ),
    Break(
        test="test_deploy.py::test_every_health_path_that_is_asked_exists",
        file="deploy/proxy/nginx.conf",
        add="\n# /health/yawning\n",
        says="/health/yawning",
    ),
    Break(
        test="test_deploy.py::test_every_command_that_is_started_exists",
        file="deploy/systemd/tocsin.service",
        add="\nExecStopPost=/usr/lib/tocsin/bin/tocsin yawn\n",
        says="yawn",
    ),
    Break(
        test="test_deploy.py::test_every_value_that_a_template_uses_has_a_default_that_is_documented",
        file="deploy/helm/tocsin/templates/service.yaml",
        add="\n# {{ .Values.service.yawns }}\n",
        says=".Values.service.yawns",
    ),
    Break(
        test="test_deploy.py::test_every_value_that_a_template_uses_has_a_default_that_is_documented",
        file="deploy/helm/tocsin/values.yaml",
        add="\nyawns: 3\n",
        says="yawns",
        alone=True,
    ),
    Break(
        test="test_deploy.py::test_the_chart_has_the_version_of_the_package",
        file="deploy/helm/tocsin/Chart.yaml",
        instead_of="\nversion: 0.1.0",
        add="\nversion: 0.1.99",
        says="0.1.99",
    ),
)

TREE = (
    Break(
        test="test_tree.py::test_no_file_names_a_machine_or_a_registry",
        file="docs/howto/retention.md",
        add="\nLook into /" + "home/maya/tocsin.\n",
        says="docs/howto/retention.md",
    ),
    Break(
        test="test_tree.py::test_no_file_names_a_machine_or_a_registry",
        file="requirements/docs.txt",
        add="\n# --index-url https://" + "py" + "pi.org/" + "simple\n",
        says="requirements/docs.txt",
    ),
    Break(
        test="test_tree.py::test_every_migration_has_its_own_number_and_says_why",
        file="src/tocsin/migrations/9999_before_lost.sql",
        add="-- Why: to leave a gap.\n",
        says="9999",
    ),
    Break(
        test="test_tree.py::test_every_migration_has_its_own_number_and_says_why",
        file="src/tocsin/migrations/0004_before_triage.sql",
        instead_of="-- ",
        add="",
        says="does not begin with why",
        alone=True,
    ),
    Break(
        test="test_tree.py::test_every_locked_package_has_a_hash_and_every_dependency_is_locked",
        file="requirements/test.txt",
        add="\nyawn==1.0\n",
        says="yawn==1.0",
    ),
    Break(
        test="test_tree.py::test_every_locked_package_has_a_hash_and_every_dependency_is_locked",
        file="pyproject.toml",
        instead_of='  "whenever>=',
        add='  "yawn>=1",\n  "whenever>=',
        says="make lock: ['yawn']",
        alone=True,
    ),
)

PAGES = (
    *WALKS, *COMMANDS, *LINKS, *FIGURES, *EXAMPLES, *REFERENCE, *GLOSSARY, *TEMPLATES, *DEPLOY, *TREE,
)  # fmt: skip
