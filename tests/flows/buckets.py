"""A bucket of the local S3 for states, and a machine's copies of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.flows.conftest import Pool

BUCKET = "poolferry-state"
STATE = f"s3://{BUCKET}/migrations"


def empty_bucket(pool: Pool) -> S3Client:
    """The client of an empty bucket."""
    assert pool, "it makes the environment point to the local server"
    client: S3Client = boto3.client("s3", region_name="eu-west-1")
    if BUCKET in [each["Name"] for each in client.list_buckets()["Buckets"]]:
        for key in keys(client):
            client.delete_object(Bucket=BUCKET, Key=key)
        return client
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return client


def keys(s3: S3Client) -> list[str]:
    """Names of all objects in the bucket."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]
