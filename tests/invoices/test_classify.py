"""What a line reads like: compute, something that needs proof, or something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.invoices.classify import classify, split_name, words_of


@pytest.mark.parametrize(
    ("name", "band"),
    [
        ("*信息技术服务*智能算力服务费", "likely"),
        ("*信息技术服务*GPU卡时租用", "likely"),
        ("*信息系统增值服务*大模型调用 Token 费", "likely"),
        ("*云计算*裸金属服务器 8P", "likely"),
        ("＊信息技术服务＊ 云主机 服务", "likely"),
        ("*信息技术服务*软件服务费", "review"),
        ("*信息技术服务*技术服务费", "review"),
        ("*信息系统增值服务*信息服务费", "review"),
        ("*经营租赁*服务器租赁", "review"),
        ("*电信服务*机柜租用", "review"),
        ("算力服务费", "review"),
        ("*计算机*GPU服务器", "no"),
        ("*电子计算机*整机", "no"),
        ("*电子元件*显卡", "no"),
        ("*研发和技术服务*研发服务费", "no"),
        ("*信息技术服务*咨询费", "no"),
        ("*餐饮服务*餐费", "no"),
        ("*经营租赁*通行费", "review"),
        ("通行费", "no"),
        ("*运输服务*客运", "no"),
        ("", "no"),
    ],
)
def test_lines_as_invoices_print_them(name, band):
    assert classify(name) == band


def test_short_name_and_rest_are_told_apart():
    assert split_name("*信息技术服务*智能 算力") == ("信息技术服务", "智能算力")
    assert split_name("没有简称") == ("", "没有简称")


def test_an_older_reading_can_be_repeated_and_one_that_never_was_cannot():
    assert classify("*信息技术服务*智能算力服务费", version=1) == "likely"
    assert words_of().version >= 1
    with pytest.raises(KeyError):
        classify("算力", version=0)


@given(st.text(max_size=200))
def test_any_text_has_a_band_and_the_same_one_each_time(name):
    assert classify(name) == classify(name) in ("likely", "review", "no")
