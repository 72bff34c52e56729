"""The Lambda function that lets people in by their old password (F6.1-F6.20).

This folder is zipped as it stands. It imports nothing of Poolferry but itself, and at a cold start nothing
beyond Python's own library; boto3, which Lambda's runtime has, and the libraries of the hashes come when they
are needed.
"""
