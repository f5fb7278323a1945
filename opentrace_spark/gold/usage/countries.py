"""Countries as units of the gold tables: the online unit, nations, regions."""

from __future__ import annotations

from pyspark.sql import Column, functions as F

from opentrace_spark.config import NOT_NATIONS, Config

ONLINE = "International/Online"
_ONLINE_WORDS = ("International", "Online", ONLINE)


def country_unit(country: str, config: Config) -> Column:
    """The unit that a country's exact word counts for: one for all organisations without one."""
    if config.organizations.online_unit == "separate":
        return F.col(country)
    return F.when(F.col(country).isin(*_ONLINE_WORDS), F.lit(ONLINE)).otherwise(F.col(country))


def unit_of_word(word: str, online_unit: str) -> str:
    """`country_unit` of one word."""
    return ONLINE if online_unit == "merged" and word in _ONLINE_WORDS else word


def is_nation(country: Column) -> Column:
    """Whether a unit is a nation: not User, International/Online or Unknown."""
    return ~country.isin(*NOT_NATIONS)


def region_of(country: str, config: Config) -> Column:
    """The region of conf/countries.toml, `Unlisted` for words that it does not have; User, Unknown
    and the online unit are their own."""
    listed = F.coalesce(
        *(
            F.when(F.col(country).isin(*countries), F.lit(region))
            for region, countries in config.regions.items()
        ),
        F.lit("Unlisted"),
    )
    return F.when(is_nation(F.col(country)), listed).otherwise(F.col(country))


def shown_country(country: str, config: Config) -> Column:
    """The country itself where it is shown singly, else `rest of <region>`."""
    rest = F.concat(F.lit("rest of "), region_of(country, config))
    grouped = region_of(country, config).isin(*config.regions)
    singly = F.col(country).isin(*config.listed_countries) | ~grouped
    return F.when(singly, F.col(country)).otherwise(rest)
