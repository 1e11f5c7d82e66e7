# `case.toml` of the page: chances of every fault, patients of a population.
sed -e 's#^extends = "#extends = "scenarios/#' scenarios/hazards-six-years.toml > case.toml
printf '\n[population]\nname = "adult-spinal"\n' >> case.toml
