# `my-policy.toml` of the page, without its mistakes.
sed -e 's#^extends = "#extends = "scenarios/#' scenarios/workup-algorithms.toml > my-policy.toml
