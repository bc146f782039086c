"""The numbers of parameters, in the two spaces that the draft keeps apart."""

from __future__ import annotations

from msquic._native.moqt import MessageParameterType, SetupParameterType

__all__ = ["ParameterType"]


class ParameterType:
    """All parameters by name: a namespace of members of two enums.

    One number may mean two things: 0x02 is ``MAX_REQUEST_ID`` in a SETUP and ``DELIVERY_TIMEOUT`` elsewhere. The
    members therefore belong to :class:`SetupParameterType` or :class:`MessageParameterType`, and are ints.
    ``AUTHORIZATION_TOKEN`` has the same number in both.
    """

    PATH = SetupParameterType.PATH
    MAX_REQUEST_ID = SetupParameterType.MAX_REQUEST_ID
    MAX_AUTH_TOKEN_CACHE_SIZE = SetupParameterType.MAX_AUTH_TOKEN_CACHE_SIZE
    AUTHORITY = SetupParameterType.AUTHORITY
    MOQT_IMPLEMENTATION = SetupParameterType.MOQT_IMPLEMENTATION
    MAX_FILTER_RANGES = SetupParameterType.MAX_FILTER_RANGES
    MAX_REQUEST_UPDATES = SetupParameterType.MAX_REQUEST_UPDATES

    AUTHORIZATION_TOKEN = MessageParameterType.AUTHORIZATION_TOKEN
    DELIVERY_TIMEOUT = MessageParameterType.DELIVERY_TIMEOUT
    MAX_CACHE_DURATION = MessageParameterType.MAX_CACHE_DURATION
    EXPIRES = MessageParameterType.EXPIRES
    LARGEST_OBJECT = MessageParameterType.LARGEST_OBJECT
    PUBLISHER_PRIORITY = MessageParameterType.PUBLISHER_PRIORITY
    FORWARD = MessageParameterType.FORWARD
    SUBSCRIBER_PRIORITY = MessageParameterType.SUBSCRIBER_PRIORITY
    SUBSCRIPTION_FILTER = MessageParameterType.SUBSCRIPTION_FILTER
    GROUP_ORDER = MessageParameterType.GROUP_ORDER
    DYNAMIC_GROUPS = MessageParameterType.DYNAMIC_GROUPS
    NEW_GROUP_REQUEST = MessageParameterType.NEW_GROUP_REQUEST

    # Of later drafts.
    SUBGROUP_DELIVERY_TIMEOUT = MessageParameterType.SUBGROUP_DELIVERY_TIMEOUT
    FILL_TIMEOUT = MessageParameterType.FILL_TIMEOUT
    FILL_PARAMETERS = MessageParameterType.FILL_PARAMETERS
    SUBGROUP_FILTER = MessageParameterType.SUBGROUP_FILTER
    OBJECT_ID_FILTER = MessageParameterType.OBJECT_ID_FILTER
    PRIORITY_FILTER = MessageParameterType.PRIORITY_FILTER
    OBJECT_PROPERTY_FILTER = MessageParameterType.OBJECT_PROPERTY_FILTER
    TRACK_PROPERTY_FILTER = MessageParameterType.TRACK_PROPERTY_FILTER
    TRACK_NAMESPACE_PREFIX = MessageParameterType.TRACK_NAMESPACE_PREFIX
    INCLUDE_PROPERTIES = MessageParameterType.INCLUDE_PROPERTIES
